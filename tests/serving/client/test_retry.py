"""Waits between attempts: bounds, jitter, seeds, and the options that are refused."""

import math
from typing import Any

import grpc
import pytest

from rankbeam.serving.client import Fallback, RankOptions, RetryPolicy
from rankbeam.serving.client.retry import AWAY, RETRYABLE, Backoff
from rankbeam.transform.errors import ConfigError


def test_retry_longest_wait_grows_to_its_bound() -> None:
    backoff = Backoff(RetryPolicy(initial_backoff_s=0.1, max_backoff_s=0.5, multiplier=2.0))
    found = [backoff.longest(failures) for failures in (1, 2, 3, 4, 5, 10_000)]
    assert found == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5, 0.5])


def test_retry_waits_fill_the_whole_range() -> None:
    backoff = Backoff(RetryPolicy(initial_backoff_s=1.0, max_backoff_s=1.0, seed=3))
    waits = [backoff.draw(1) for _ in range(10_000)]
    assert 0.0 <= min(waits) < 0.01
    assert 0.99 < max(waits) <= 1.0
    # The mean of 10,000 even draws is off 1/2 by 4 standard errors (0.0116) in 1 of 16,000 seeds.
    assert math.isclose(sum(waits) / len(waits), 0.5, abs_tol=0.0116)


def test_retry_waits_are_repeatable_by_seed_alone() -> None:
    def draws(seed: int | None) -> list[float]:
        backoff = Backoff(RetryPolicy(seed=seed))
        return [backoff.draw(n) for n in range(1, 9)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert draws(None) != draws(None)


def test_retry_every_code_is_either_a_fault_of_the_machine_or_of_the_request() -> None:
    rejected = set(grpc.StatusCode) - AWAY - {grpc.StatusCode.OK}
    assert {code.name for code in rejected} == {
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "OUT_OF_RANGE",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "UNIMPLEMENTED",
    }
    assert {code.name for code in RETRYABLE} == {"UNAVAILABLE", "CANCELLED"}


BAD_POLICIES = [
    ({"max_attempts": 0}, "max_attempts must be >= 1; got 0"),
    ({"initial_backoff_s": -1.0}, r"initial_backoff_s must be finite and >= 0; got -1\.0"),
    ({"max_backoff_s": math.inf}, "max_backoff_s must be finite and >= 0; got inf"),
    ({"multiplier": 0.5}, r"multiplier must be finite and >= 1; got 0\.5"),
]


@pytest.mark.parametrize(("options", "message"), BAD_POLICIES)
def test_retry_refuses_what_is_no_policy(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RetryPolicy(**options)


BAD_OPTIONS = [
    ({"version": 1, "label": "a"}, "version and label must not both be given; got 1 and 'a'"),
    ({"timeout_s": -1}, "timeout_s must be finite and > 0; got -1"),
    ({"timeout_s": math.nan}, "timeout_s must be finite and > 0; got nan"),
    ({"max_candidates_per_request": 0}, "max_candidates_per_request must be >= 1; got 0"),
    ({"invalid_score": "drop"}, "invalid_score must be one of error, last; got 'drop'"),
    ({"aliases": {"a-b": "click"}}, "aliases must be identifiers; got 'a-b'"),
    ({"aliases": {"ctr": "click +"}}, r"aliases\.ctr must be an expression"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_options_refusals_name_the_option(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RankOptions(**options)


def test_fallback_refuses_what_is_no_expression() -> None:
    with pytest.raises(ConfigError, match=r"fallback must call one of .*; got 'f\(x\)'"):
        Fallback("f(x)")
