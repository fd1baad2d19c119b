"""While a version loads: one core for the thread that loads it, the others for those that listen.

A load takes a core for half a second or more. A thread that wakes for a request behind it, on the
same core, waits for the end of its time slice, however nice the loading thread is; the kernel may
put it there each time. So it is kept elsewhere. Threads that run graphs go where they like: they
are what a server under full load is short of, and there the loading thread's niceness counts.
Linux only, and only where there are two cores; each block leaves all threads as they were.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")

_one_at_a_time = threading.Lock()
_computing: set[int] = set()


def compute_here() -> None:
    """Counts the calling thread among those that run graphs."""
    _computing.add(threading.get_native_id())


@contextlib.contextmanager
def computing_threads() -> Iterator[None]:
    """Counts the threads that a block starts among those that run graphs."""
    before = _threads()
    try:
        yield
    finally:
        _computing.update(_threads() - before)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Gives the calling thread a core that those who listen stay away from, for the block.

    Where two threads load at a time, the first has it. Where the kernel refuses, nothing changes.
    """
    if sys.platform != "linux" or not _one_at_a_time.acquire(blocking=False):
        yield
        return
    try:
        cores = os.sched_getaffinity(0)
        if len(cores) < 2:
            yield
            return
        mine, me, present = {max(cores)}, threading.get_native_id(), _threads()
        moved = {
            thread: where
            for thread in present - _computing - {me}
            if (where := _keep_away(thread, mine)) is not None
        }
        _bind(me, mine)
        try:
            yield
        finally:
            _bind(me, cores)
            # Those that were started meanwhile have the place of the one that started them.
            for thread in _threads() - present:
                _bind(thread, cores)
            for thread, where in moved.items():
                _bind(thread, where)
    finally:
        _one_at_a_time.release()


def _threads() -> set[int]:
    return {int(task.name) for task in _TASKS.iterdir()} if sys.platform == "linux" else set()


def _keep_away(thread: int, cores: set[int]) -> set[int] | None:
    """Where the thread was, if it was moved."""
    with contextlib.suppress(OSError):  # it has ended, or may not be moved
        where = os.sched_getaffinity(thread)
        rest = where - cores
        if rest and rest != where:
            os.sched_setaffinity(thread, rest)
            return where
    return None


def _bind(thread: int, cores: set[int]) -> None:
    with contextlib.suppress(OSError):
        os.sched_setaffinity(thread, cores)
