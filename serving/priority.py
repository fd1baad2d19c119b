"""Who gets a core: those who ask before those who load, and nobody at each wake-up. Linux only."""

import contextlib
import os
import sys
import threading

_STEP = 10


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
