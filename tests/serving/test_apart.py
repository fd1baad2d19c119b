"""Which cores threads may use while a version loads, and that all is as before afterwards."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from rankbeam.serving.apart import apart

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="threads have no cores of their own here"),
    pytest.mark.skipif(
        sys.platform == "linux" and len(os.sched_getaffinity(0)) < 2, reason="there is one core"
    ),
]


@contextmanager
def _thread(begin: Callable[[], object] = lambda: None) -> Iterator[int]:
    """The number of a thread that waits, once it has begun."""
    begun, over = threading.Event(), threading.Event()

    def run() -> None:
        begin()
        begun.set()
        over.wait()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    assert thread.native_id is not None
    yield thread.native_id
    over.set()
    thread.join()


def test_apart_keeps_others_from_the_core_of_the_one_that_loads() -> None:
    cores = os.sched_getaffinity(0)
    with _thread() as listening:
        with apart():
            [mine] = os.sched_getaffinity(0)
            assert os.sched_getaffinity(listening) == cores - {mine}
        assert os.sched_getaffinity(listening) == os.sched_getaffinity(0) == cores


def test_apart_frees_threads_that_were_started_meanwhile() -> None:
    cores = os.sched_getaffinity(0)
    with apart():
        meanwhile = _thread()
        number = meanwhile.__enter__()
        assert len(os.sched_getaffinity(number)) == 1
    assert os.sched_getaffinity(number) == cores
    meanwhile.__exit__(None, None, None)


def test_apart_gives_the_core_to_the_first_of_two() -> None:
    cores = os.sched_getaffinity(0)
    seen = []

    def second() -> None:
        with apart():
            seen.append(os.sched_getaffinity(0))

    with apart():
        [mine] = os.sched_getaffinity(0)
        thread = threading.Thread(target=second)
        with _thread(lambda: os.sched_setaffinity(0, cores)):
            thread.start()
            thread.join()
    assert seen == [{mine}]  # as the one that started it
    assert os.sched_getaffinity(0) == cores


def test_apart_leaves_a_choice_of_the_callers_as_it_was() -> None:
    cores = os.sched_getaffinity(0)
    [chosen, *_] = sorted(cores)
    with _thread(lambda: os.sched_setaffinity(0, {chosen})) as bound:
        with pytest.raises(ValueError, match="mine"), apart():
            raise ValueError("mine")
        assert os.sched_getaffinity(bound) == {chosen}
    assert os.sched_getaffinity(0) == cores
