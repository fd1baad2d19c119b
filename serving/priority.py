"""Cores for those who ask before those who load: priorities of threads, where Linux has them."""

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
