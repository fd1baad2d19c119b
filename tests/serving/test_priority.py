"""What a thread asks the kernel for itself and for those that it starts."""

import os
import sys
import threading
from collections.abc import Callable

import pytest

from rankbeam.serving.priority import let_threads_finish, short_turns, step_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority here")


def _in_thread(ask: Callable[[], None], look: Callable[[], int]) -> list[int]:
    """What is seen by a thread that has asked, and by one that it started afterwards."""
    seen: list[int] = []

    def first() -> None:
        ask()
        seen.append(look())
        second = threading.Thread(target=lambda: seen.append(look()))
        second.start()
        second.join()

    thread = threading.Thread(target=first)
    thread.start()
    thread.join()
    return seen


def test_let_threads_finish_holds_for_the_thread_and_those_it_starts() -> None:
    before = os.sched_getscheduler(0)
    seen = _in_thread(let_threads_finish, lambda: os.sched_getscheduler(0))
    assert seen == [os.SCHED_BATCH, os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == before


def test_let_threads_finish_keeps_a_policy_that_was_chosen() -> None:
    def ask() -> None:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        let_threads_finish()

    assert _in_thread(ask, lambda: os.sched_getscheduler(0)) == [os.SCHED_IDLE, os.SCHED_IDLE]


def test_let_threads_finish_goes_on_where_the_kernel_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError("not in this sandbox")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    before = os.sched_getscheduler(0)
    let_threads_finish()
    assert os.sched_getscheduler(0) == before


def test_step_back_after_let_threads_finish_keeps_both() -> None:
    def ask() -> None:
        let_threads_finish()
        step_back()

    def look() -> int:
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert _in_thread(ask, look) == [before + 10, before + 10]


def test_short_turns_hold_until_the_last_block_ends() -> None:
    before, seen = sys.getswitchinterval(), []

    def fail_within() -> None:
        with short_turns():
            seen.append(sys.getswitchinterval())
            with short_turns():
                seen.append(sys.getswitchinterval())
            seen.append(sys.getswitchinterval())
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail_within()
    assert len(set(seen)) == 1
    assert seen[0] < before
    assert sys.getswitchinterval() == before


def test_short_turns_lengthen_no_shorter_ones() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with short_turns():
            assert sys.getswitchinterval() == pytest.approx(1e-6)
    finally:
        sys.setswitchinterval(before)
