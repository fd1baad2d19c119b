"""The verdict: each way an answer can be wrong, by hand-made answers."""

import numpy as np
import pytest

from rankbeam.components.infra_validator.logic import Answers, Latency, judge, summarize_latency

GOOD = {"click": np.array([0.0, 0.5, 1.0], np.float32), "ctcvr": np.array([0.1, 0.2, 0.3])}


def _judge(in_process: Answers, served: Answers, limit: float = 1e-5) -> tuple[bool, str]:
    verdict = judge(in_process, served, num_rows=3, max_abs_difference=limit)
    assert verdict.blessed == (verdict.reason == "")
    return verdict.blessed, verdict.reason


def _with(**changed: object) -> Answers:
    return {name: np.asarray(values) for name, values in (GOOD | changed).items()}


def test_logic_equal_probabilities_are_blessed() -> None:
    verdict = judge(GOOD, GOOD, num_rows=3, max_abs_difference=0.0)
    assert verdict.blessed
    assert verdict.max_abs_difference == {"click": 0.0, "ctcvr": 0.0}


def test_logic_columns_of_one_value_are_rows_too() -> None:
    columns = {name: values[:, np.newaxis] for name, values in GOOD.items()}
    assert _judge(columns, columns) == (True, "")


def test_logic_largest_difference_decides() -> None:
    served = _with(ctcvr=[0.1, 0.25, 0.29])
    verdict = judge(GOOD, served, num_rows=3, max_abs_difference=0.04)
    assert verdict.max_abs_difference == {"click": 0.0, "ctcvr": pytest.approx(0.05)}
    assert verdict.reason == (
        "ctcvr must differ by at most 0.04 between served and in-process; got 0.05"
    )
    assert _judge(GOOD, served, limit=0.0501) == (True, "")


WRONG = [
    ({}, {}, "the model must have outputs; got none"),
    (GOOD, {"click": GOOD["click"]}, "ctcvr must be served; the server's answer lacks it"),
    (
        {"click": GOOD["click"]},
        GOOD,
        "ctcvr must be an output of the model; only the server's answer has it",
    ),
    (
        _with(click=[np.nan, 0.5, np.nan]),
        _with(click=[np.nan, 0.5, np.nan]),
        "click must be finite; got nan in 2 of 3 answers in-process; "
        "click must be finite; got nan in 2 of 3 answers served",
    ),
    (
        GOOD,
        _with(click=[0.0, np.inf, 1.0]),
        "click must be finite; got inf in 1 of 3 answers served",
    ),
    (
        GOOD,
        _with(click=[0.0, 0.5, 1.5]),
        "click must be within [0, 1]; got 1.5 in 1 of 3 answers served",
    ),
    (
        _with(click=[-0.25, 0.5, 1.0]),
        GOOD,
        "click must be within [0, 1]; got -0.25 in 1 of 3 answers in-process",
    ),
    (
        GOOD,
        _with(click=[[0.0], [0.5], [1.0]]),
        "click must have one shape; got (3,) in-process and (3, 1) served",
    ),
    (
        _with(click=[0.0, 0.5]),
        _with(click=[0.0, 0.5]),
        "click must have one row per example; got (2,) for 3",
    ),
    (
        _with(click=0.5),
        _with(click=0.5),
        "click must have one row per example; got () for 3",
    ),
    (
        GOOD,
        _with(click=[0, 0, 1]),
        "click must hold floats; got int64 served",
    ),
]


@pytest.mark.parametrize(("in_process", "served", "reason"), WRONG)
def test_logic_wrong_answers_are_not_blessed(
    in_process: Answers, served: Answers, reason: str
) -> None:
    assert _judge(in_process, served) == (False, reason)


def test_logic_every_problem_is_told() -> None:
    blessed, reason = _judge(_with(click=[np.nan] * 3, ctcvr=[2.0] * 3), GOOD)
    assert not blessed
    assert reason.count("; ctcvr must be within") == 1


def test_logic_latency_of_1_to_100_milliseconds() -> None:
    seconds = [n / 1000 for n in range(1, 101)]
    # 99 steps between 100 values: the median is halfway from 50 to 51, p99 0.01 above 99.
    assert summarize_latency(seconds) == Latency(calls=100, p50_ms=50.5, p99_ms=99.01)


def test_logic_latency_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one call"):
        summarize_latency([])
