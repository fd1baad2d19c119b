"""While a version loads: one core for the thread that loads it, the others for the requests.

A load takes a core for half a second or more. A thread that wakes for a request behind it, on the
same core, waits for the end of its time slice, however nice the loading thread is; the kernel may
put it there each time. So it is kept elsewhere. Where there are two cores, requests have one for
the time of a load, which is over the sooner. Linux only, and only where there are two cores at
least; each block leaves all threads as they were.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_TASKS = Path("/proc/self/task")

_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Gives the calling thread a core that all others stay away from, for the block.

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
            for thread in present - {me}
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
