"""Runs a command that the kernel kills when the process that started it is gone (Linux).

Usage: `python die_with_parent.py PARENT_PID COMMAND...`. Run as a file, by path: it imports nothing
but the standard library, asks for the signal, makes sure the parent is still there (it may have
died in between) and becomes the command. The request survives `execve`, so any binary can be run.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Becomes the command of the command line.

    Raises:
        OSError: the kernel refuses, or the command cannot be run.
    """
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent process ended before the command started")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
