"""Score expressions against Python's own arithmetic, and each refusal by its position."""

import math
import random
from typing import Any

import numpy as np
import pytest

from rankbeam.serving.client.expression import Column, Expression, Name
from rankbeam.serving.client.expression_parser import parse
from rankbeam.transform.errors import ConfigError

FUNCTIONS = {
    "abs": abs,
    "clip": lambda x, low, high: min(max(x, low), high),
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
}


def _compute(expression: Expression, values: dict[str, Any]) -> Column:
    return expression.compute(lambda name: np.asarray(values[str(name)], np.float64))


GOOD = [
    ("2", 2.0),
    ("a", 3.0),
    ("-a ** 2", -9.0),
    ("(-a) ** 2", 9.0),
    ("2 ** 3 ** 2", 512.0),
    ("2 ** -1", 0.5),
    ("a - b - 1", 1.5),
    ("a / b / 2", 3.0),
    ("a + b * 2", 4.0),
    ("+a", 3.0),
    ("--a", 3.0),
    ("1e-3 * 0x10", 0.016),
    ("min(a, b, 0.25)", 0.25),
    ("max(a, b)", 3.0),
    ("clip(a, 0, 1)", 1.0),
    ("clip(-a, -1, 1)", -1.0),
    ("sqrt(a * 12)", 6.0),
    ("abs(-b)", 0.5),
    ("log(exp(a))", 3.0),
    ("log1p(0)", 0.0),
    ("  a\n * (\tb )\n", 1.5),
    (" + ".join(["a"] * 150), 450.0),
]


@pytest.mark.parametrize(("text", "expected"), GOOD, ids=[text[:20] for text, _ in GOOD])
def test_expression_hand_worked(text: str, expected: float) -> None:
    assert _compute(parse(text), {"a": 3.0, "b": 0.5}) == pytest.approx(expected, rel=1e-15)


def _random_text(rng: random.Random, depth: int) -> str:
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(["a", "b", "c", "1", "2.5", "0.125"])
    kind = rng.choice(["+", "-", "*", "/", "**", "negate", *FUNCTIONS])
    terms = [_random_text(rng, depth - 1) for _ in range(3)]
    if kind == "negate":
        return f"-({terms[0]})"
    if kind in FUNCTIONS:
        count = {"clip": 3, "max": rng.choice([2, 3]), "min": rng.choice([2, 3])}.get(kind, 1)
        return f"{kind}({', '.join(terms[:count])})"
    if kind == "**":
        return f"abs({terms[0]}) ** ({terms[1]})"  # Python's roots of negatives are complex
    return f"({terms[0]}) {kind} ({terms[1]})"


def test_expression_equals_pythons_evaluation_row_by_row() -> None:
    rng = random.Random(3)
    compared = 0
    for _ in range(300):
        text = _random_text(rng, 4)
        columns = {name: [rng.uniform(-2, 2) for _ in range(7)] for name in "abc"}
        computed = np.broadcast_to(_compute(parse(text), columns), (7,))
        for row in range(7):
            values = {name: column[row] for name, column in columns.items()}
            try:
                expected = eval(text, {"__builtins__": {}}, {**FUNCTIONS, **values})
            except (ArithmeticError, ValueError):  # what NumPy calls inf or NaN, and goes on
                continue
            assert computed[row] == pytest.approx(expected, rel=1e-9, abs=1e-12), (text, values)
            compared += 1
    assert compared > 1000


def test_expression_lists_names_with_place_and_position() -> None:
    found = parse('price * (output.ctr + candidate["user-age"]) / context.ü + price').names()
    assert found == (
        Name("", "price", 1),
        Name("output", "ctr", 10),
        Name("candidate", "user-age", 23),
        Name("context", "ü", 48),
        Name("", "price", 60),
    )


BAD = [
    ("", "score must be an expression; got ''"),
    (" \n ", "score must be an expression; got"),
    ("a +", r"score must be an expression; got .* at character \d+ of 'a \+'"),
    ("a b", r"score must be an expression; got .* of 'a b'"),
    ("(a", r"score must be an expression; got '\(a' at character 1 of '\(a'"),
    ("a and b", r"must hold only numbers, names, .*; got 'a and b' at character 1 of"),
    ("1 + (a < b)", r"must hold only numbers.*; got 'a < b\)' at character 6 of"),
    ("a if b else 1", "must hold only numbers"),
    ("a // b", "must hold only numbers"),
    ("a % b", "must hold only numbers"),
    ("~a", "must hold only numbers"),
    ("[a]", "must hold only numbers"),
    ("lambda: 1", "must hold only numbers"),
    ("ü * 'x'", r"hold no constants but real numbers; got \"'x'\" at character 5 of"),
    ("True", "hold no constants but real numbers; got 'True' at character 1"),
    ("None", "hold no constants but real numbers"),
    ("2j", "hold no constants but real numbers"),
    ("1e999", "must hold finite numbers; got '1e999' at character 1"),
    ("9" * 400, "must hold finite numbers"),
    ("a.b", r"must name a place as output\.NAME or output\[\"NAME\"\], candidate"),
    ("a.b.c", "must name a place as"),
    ("output[0]", "must name a place as"),
    ("output['a', 'b']", "must name a place as"),
    ("sin(a)", "must call one of abs, clip, exp, log, log1p, max, min, sqrt; got 'sin"),
    ("a(b)", "must call one of"),
    ("output.log(a)", "must call one of"),
    ("__import__('os')", "must call one of"),
    ("().__class__", "must name a place as"),
    ("log()", r"must give log one argument; got 'log\(\)' at character 1"),
    ("log(a, b)", "must give log one argument"),
    ("max(a)", "must give max at least 2 arguments"),
    ("clip(a, 1)", "must give clip 3 arguments"),
    ("clip(a, low=1, high=2)", "must give clip 3 arguments"),
    ("max(*a)", "must give max at least 2 arguments"),
    ("a\\\n+b", "must hold neither backslash nor NUL; got .* at character 2"),
    ("a\0", "must hold neither backslash nor NUL"),
    ("a" * 1001, "must be at most 1000 characters; got 1001"),
    ("-" * 300 + "a", "must be at most 200 levels deep"),
    ("(" * 400 + "a" + ")" * 400, "score must be an expression"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text[:16] for text, _ in BAD])
def test_expression_refusals_name_rule_and_position(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text)


@pytest.mark.parametrize("seed", range(300))
def test_expression_any_text_is_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)
    pieces = [
        "a",
        "1",
        ".",
        "e9",
        "+",
        "**",
        "(",
        ")",
        ",",
        "[",
        "]",
        "'",
        "log",
        " ",
        "ü",
        ":",
        "=",
    ]
    text = "".join(rng.choice(pieces) for _ in range(rng.randrange(12)))
    try:
        parse(text)
    except ConfigError:
        with pytest.raises(ConfigError, match=r"^score must "):
            parse(text)
