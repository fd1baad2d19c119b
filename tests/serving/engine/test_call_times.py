"""Which calls count as short."""

import time

import pytest

from rankbeam.serving.engine.call_times import CallTimes
from rankbeam.serving.servable import Servable


def _learn(times: CallTimes, servable: Servable, rows: int, seconds: float) -> None:
    with times.learn(servable, servable.signature(""), rows):
        time.sleep(seconds)


def test_call_times_know_only_rows_of_the_magnitude_that_was_seen(servable: Servable) -> None:
    times, signature = CallTimes(), servable.signature("")
    assert not times.is_short(servable, signature, 5)
    _learn(times, servable, 5, 0.0)
    assert times.is_short(servable, signature, 4)
    assert not times.is_short(servable, signature, 3)
    assert not times.is_short(servable, signature, 8)
    assert not times.is_short(servable, servable.signature("parsed_examples"), 5)


def test_call_times_a_call_that_fails_at_once_teaches_nothing(servable: Servable) -> None:
    times, signature = CallTimes(), servable.signature("")
    _learn(times, servable, 5, 0.05)
    for _ in range(30):
        with pytest.raises(ValueError, match="bad"), times.learn(servable, signature, 5):
            raise ValueError("bad")
    assert not times.is_short(servable, signature, 5)
