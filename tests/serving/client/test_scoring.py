"""Names to numbers: outputs, aliases and fields, by hand."""

from typing import Any

import numpy as np
import pytest

from rankbeam.serving.client.expression_parser import parse
from rankbeam.serving.client.scoring import Scorer
from rankbeam.transform.errors import ConfigError, DataError

OUTPUTS = {
    "click": np.array([0.5, 0.25, 0.125], np.float32),
    "conversion": np.array([[0.5], [1.0], [0.25]], np.float32),
    "embedding": np.zeros([3, 4], np.float32),
    "name": np.array([b"a", b"b", b"c"], object),
}
CONTEXT = {"hour": 3, "bid": 2.0, "user": "ada"}
CANDIDATES: list[dict[str, Any]] = [
    {"price": 10, "bid": 1},
    {"price": 4.0, "id": "x"},
    {"price": np.float32(16), "bid": np.int64(3), "half": True},
]
ALIASES = {"ctr": parse("click"), "both": parse("click * conversion"), "click": parse("click")}


def _scorer(text: str, **options: Any) -> Scorer:
    return Scorer(parse(text), CONTEXT, CANDIDATES, aliases=ALIASES, **options)


GOOD = [
    ("click", [0.5, 0.25, 0.125]),
    ("conversion", [0.5, 1.0, 0.25]),
    ("ctr * price", [5.0, 1.0, 2.0]),
    ("both * price", [2.5, 1.0, 0.5]),
    ("output.ctr", [0.5, 0.25, 0.125]),
    ("bid", [1.0, 2.0, 3.0]),  # the candidate's own, else the context's
    ("context.bid", [2.0, 2.0, 2.0]),
    ("hour", [3.0, 3.0, 3.0]),
    ("7", [7.0, 7.0, 7.0]),
    ("candidate.price + context.hour", [13.0, 7.0, 19.0]),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_scoring_hand_worked(text: str, expected: list[float]) -> None:
    scorer = _scorer(text)
    scorer.check(OUTPUTS)
    np.testing.assert_array_equal(scorer.compute(OUTPUTS), expected)


BAD = [
    (
        "prise * ctr",
        ConfigError,
        r"score must name outputs or fields that are there; got prise at "
        r"character 1 of 'prise \* ctr'; did you mean price\? known: bid, both, click, conversion",
    ),
    (
        "output.price",
        ConfigError,
        "got output.price at character 1 .*known: both, click, conversion",
    ),
    ("candidate.ctr", ConfigError, r"got candidate\.ctr .*known: bid, half, hour, id, price, user"),
    ("context.price", ConfigError, r"got context\.price .*known: bid, hour, user$"),
    ("candidate.hour", ConfigError, r"got candidate\.hour"),
    ("id * 2", DataError, r"candidates\[0\]\.id must be a number for score 'id \* 2'; got nothing"),
    ("user", DataError, r"candidates\[0\]\.user must be a number for score 'user'; got 'ada'"),
    ("context.user", DataError, r"context\.user must be a number for score .*; got 'ada'"),
    ("half", DataError, r"candidates\[0\]\.half must be a number .*; got nothing"),
]


@pytest.mark.parametrize(("text", "kind", "message"), BAD, ids=[row[0] for row in BAD])
def test_scoring_refuses_names_and_fields_before_anything_is_sent(
    text: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        _scorer(text).check(OUTPUTS)


def test_scoring_refuses_a_name_of_two_things() -> None:
    candidates = [{"click": 1.0}]
    scorer = Scorer(parse("click + 1"), {}, candidates)
    with pytest.raises(ConfigError, match=r"write output\.click or candidate\.click"):
        scorer.check(["click"])
    for text, expected in {"output.click": 0.5, "candidate.click": 1.0}.items():
        scores = Scorer(parse(text), {}, candidates).compute({"click": np.array([0.5])})
        np.testing.assert_array_equal(scores, [expected])


def test_scoring_refuses_an_alias_that_hides_an_output() -> None:
    scorer = Scorer(parse("click"), {}, [{}], aliases={"click": parse("conversion")})
    with pytest.raises(ConfigError, match="must name no alias that is also an output of the model"):
        scorer.check(["click", "conversion"])


def test_scoring_refuses_an_alias_of_nothing() -> None:
    scorer = Scorer(parse("ctr"), {"price": 1}, [{}], aliases={"ctr": parse("klick")})
    with pytest.raises(
        ConfigError, match=r"aliases\.ctr must name outputs of the model; got klick"
    ):
        scorer.check(["click"])


@pytest.mark.parametrize(
    ("text", "shape"), [("embedding", r"float32 of shape \(3, 4\)"), ("name", r"object of shape")]
)
def test_scoring_needs_one_number_a_candidate(text: str, shape: str) -> None:
    with pytest.raises(DataError, match=rf"output {text} must be one number a candidate.*{shape}"):
        _scorer(text).compute(OUTPUTS)


INFINITE = [
    ("log(0 - price)", r"got nan for candidates\[0\] \(price = 10\)"),
    ("1 / (price - 4)", r"got inf for candidates\[1\] \(price = 4\)"),
    ("exp(price ** 4 * ctr)", r"got inf for candidates\[0\] \(price = 10, ctr = 0\.5\)"),
    ("1 / 0", r"score '1 / 0' must be finite; got inf for candidates\[0\]$"),
]


@pytest.mark.parametrize(("text", "message"), INFINITE)
def test_scoring_names_the_first_candidate_without_a_finite_score(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _scorer(text).compute(OUTPUTS)


def test_scoring_may_put_invalid_scores_last() -> None:
    scorer = _scorer("1 / (price - 4)", invalid="last")
    np.testing.assert_allclose(scorer.compute(OUTPUTS), [1 / 6, np.nan, 1 / 12], rtol=1e-15)
    missing = _scorer("half * 2", invalid="last")
    missing.check(OUTPUTS)
    np.testing.assert_array_equal(missing.compute(OUTPUTS), [np.nan, np.nan, 2.0])


def test_scoring_text_is_an_error_even_where_invalid_scores_are_last() -> None:
    with pytest.raises(DataError, match=r"candidates\[0\]\.user must be a number"):
        _scorer("user", invalid="last").compute(OUTPUTS)


def test_scoring_an_integer_beyond_float_is_infinite() -> None:
    scorer = Scorer(parse("price"), {}, [{"price": 10**400}])
    with pytest.raises(DataError, match="must be finite; got inf"):
        scorer.compute({})
