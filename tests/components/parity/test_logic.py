"""How far a path is from its reference: hand-made answers."""

from collections.abc import Mapping

import numpy as np
import pytest

from rankbeam.components.parity.logic import PathAnswers, compare, reason_of, within

NAN, INF = float("nan"), float("inf")
EVERY = np.ones(3, dtype=bool)
CLICK = np.array([[0.25], [0.5], [0.75]], np.float32)


def _answers(
    expected: Mapping[str, object],
    found: Mapping[str, object],
    *,
    exact: bool = False,
    asked: object = EVERY,
    tame: object = EVERY,
) -> PathAnswers:
    return PathAnswers(
        path="a path",
        reference="the reference",
        expected={name: np.asarray(values) for name, values in expected.items()},
        found={name: np.asarray(values) for name, values in found.items()},
        asked=np.asarray(asked),
        tame=np.asarray(tame),
        exact=exact,
    )


def test_logic_equal_answers_pass() -> None:
    for exact in (True, False):
        result = compare(_answers({"click": CLICK}, {"click": CLICK.copy()}, exact=exact), 0.0)
        assert (result.problems, result.worst, result.unequal) == ((), None, 0)
        assert (result.examples, result.max_abs_difference) == (3, {"click": 0.0})


def test_logic_largest_difference_decides_and_is_shown() -> None:
    found = CLICK + np.array([[0.0], [0.25], [-0.125]], np.float32)
    result = compare(_answers({"click": CLICK}, {"click": found}), 0.25)
    assert (result.problems, result.unequal) == ((), 2)
    assert result.max_abs_difference == {"click": 0.25}
    assert result.worst is not None
    assert (result.worst.output, result.worst.example) == ("click", 1)
    assert (result.worst.expected, result.worst.found) == ("0.5", "0.75")
    result = compare(_answers({"click": CLICK}, {"click": found}), 0.24)
    assert result.problems == (
        "a path: click must differ by at most 0.24 from the reference; got 0.25",
    )


@pytest.mark.parametrize(
    ("expected", "found", "difference"),
    [
        ([0.0, 1.0, 2.0], [-0.0, 1.0, 2.0], "0"),
        ([0.0, 1.0, 2.0], [1e-45, 1.0, 2.0], "1.4013e-45"),
        ([NAN, 1.0, 2.0], [0.0, 1.0, 2.0], "inf"),
        ([INF, 1.0, 2.0], [-INF, 1.0, 2.0], "inf"),
    ],
)
def test_logic_exact_paths_must_agree_in_every_bit(
    expected: list[float], found: list[float], difference: str
) -> None:
    pair = [{"age": np.array(values, np.float32)} for values in (expected, found)]
    result = compare(_answers(*pair, exact=True), 0.5)
    assert result.problems == (
        f"a path: age must equal the reference to the last bit; got a difference of {difference} "
        "in 1 of 3 examples",
    )
    assert result.worst is not None
    assert result.worst.example == 0


def test_logic_exact_paths_may_answer_nan_where_the_reference_does() -> None:
    values = {"age": np.array([NAN, INF, 1.0], np.float32)}
    assert compare(_answers(values, values, exact=True), 0.0).problems == ()


def test_logic_exact_paths_compare_integers() -> None:
    expected = {"ids": np.array([[1, 2], [3, 4], [5, 6]])}
    found = {"ids": np.array([[1, 2], [3, 9], [5, 6]])}
    result = compare(_answers(expected, found, exact=True), 0.0)
    assert result.max_abs_difference == {"ids": 5.0}
    assert result.worst is not None
    assert (result.worst.expected, result.worst.found) == ("3, 4", "3, 9")


def test_logic_scores_must_be_finite_for_tame_examples() -> None:
    broken = {"click": np.array([[NAN], [0.5], [INF]], np.float32)}
    result = compare(_answers(broken, broken), 0.0)
    assert result.problems == ("a path: click must be finite; got 2 of 3 examples where it is not",)
    wild = compare(_answers(broken, broken, tame=[False, True, False]), 0.0)
    assert wild.problems == ()


def test_logic_nan_on_one_side_is_an_infinite_difference_even_for_wild_examples() -> None:
    broken = {"click": np.array([[NAN], [0.5], [0.75]], np.float32)}
    result = compare(_answers({"click": CLICK}, broken, tame=[False, True, True]), 0.9)
    assert result.problems == (
        "a path: click must differ by at most 0.9 from the reference; got inf",
    )


def test_logic_examples_that_were_not_asked_do_not_count() -> None:
    found = CLICK + np.array([[0.0], [0.25], [NAN]], np.float32)
    result = compare(_answers({"click": CLICK}, {"click": found}, asked=[True, False, False]), 0.0)
    assert (result.problems, result.examples, result.unequal) == ((), 1, 0)
    assert result.max_abs_difference == {"click": 0.0}
    nobody = compare(_answers({"click": CLICK}, {"click": found}, asked=[False] * 3), 0.0)
    assert (nobody.problems, nobody.examples) == ((), 0)


@pytest.mark.parametrize(
    ("expected", "found", "problem"),
    [
        ({}, {}, "the reference must have outputs; got none"),
        ({"click": CLICK}, {}, "click must be answered; the answer lacks it"),
        (
            {"click": CLICK},
            {"click": CLICK, "odd": CLICK},
            "odd must be an output of the reference; only this path answers it",
        ),
        (
            {"click": CLICK},
            {"click": CLICK[:2]},
            r"click must have the shape (3, 1); got (2, 1) for 3 examples",
        ),
        (
            {"click": CLICK},
            {"click": CLICK[:, 0]},
            r"click must have the shape (3, 1); got (3,) for 3 examples",
        ),
        (
            {"click": CLICK},
            {"click": np.array([[1], [2], [3]])},
            "click must hold float32 as before; got int64",
        ),
    ],
)
def test_logic_answers_of_another_form_are_problems(
    expected: Mapping[str, object], found: Mapping[str, object], problem: str
) -> None:
    assert f"a path: {problem}" in compare(_answers(expected, found), 1.0).problems


def test_logic_reason_lists_every_problem() -> None:
    bad = compare(_answers({"click": CLICK}, {}), 0.0)
    good = compare(_answers({"click": CLICK}, {"click": CLICK}), 0.0)
    assert reason_of([good, bad, bad]) == "; ".join(2 * bad.problems)
    assert reason_of([good]) == ""


def test_logic_within_the_range_of_typical_rows() -> None:
    typical = {"age": np.array([[1.0], [3.0]]), "ids": np.array([[1], [2]])}
    rows = {"age": np.array([[1.0], [0.9], [3.1], [NAN], [2.0]]), "ids": np.full((5, 1), 99)}
    assert within(rows, typical).tolist() == [True, False, False, False, True]
    assert within({"ids": rows["ids"]}, typical).tolist() == [True] * 5
