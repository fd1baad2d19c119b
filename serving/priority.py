"""Who gets a core and Python's lock: those who ask before those who load, nobody at each wake-up.

What is asked of the kernel is asked of Linux only.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_STEP = 10
_TURN_S = 0.00005


class _ShortTurns:
    """How many blocks want short turns now, and what was set before the first began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._usual_s = 0.0

    def begin(self) -> None:
        with self._lock:
            if self._blocks == 0:
                self._usual_s = sys.getswitchinterval()
                sys.setswitchinterval(min(_TURN_S, self._usual_s))
            self._blocks += 1

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks == 0:
                sys.setswitchinterval(self._usual_s)


_short_turns = _ShortTurns()


@contextlib.contextmanager
def short_turns() -> Iterator[None]:
    """Lets those who ask have Python's lock sooner while something is being loaded.

    A request needs the lock some five times, and may each time have to wait for the end of the
    loading thread's turn, which is the interpreter's switch interval. Shorter turns cost more
    switches, so they are for the block alone. Several threads may be in such blocks.
    """
    _short_turns.begin()
    try:
        yield
    finally:
        _short_turns.end()


def step_back() -> None:
    """Gives way to the other threads of this process wherever there are not cores for all.

    Threads that are started by this one from now on inherit its place.
    """
    if sys.platform == "linux":  # elsewhere priorities belong to whole processes
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _STEP)


def let_threads_finish() -> None:
    """Asks the kernel not to stop a running thread for one of this process that wakes up.

    gRPC's thread wakes the event loop for each thing that happens. Where the loop takes the core
    at once, it handles that one thing, sleeps, and the other goes on: two switches each, a fifth of
    all time at full load. As a batch process (`SCHED_BATCH`, see sched(7)) it finds many things
    when its turn comes. Threads of other processes are not stopped either. Holds for the calling
    thread and all that it starts from now on. A policy that somebody chose stays; where the kernel
    refuses, as in some sandboxes, everything works as before.
    """
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_OTHER:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
