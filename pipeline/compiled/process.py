"""Runs a container's command as a process of this machine, with all that it starts."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from rankbeam.transform.errors import EnvironmentFault

_GRACE_S = 10.0
# Becomes the command, after asking to be ended should its parent die without a word: prctl(2),
# PR_SET_PDEATHSIG. A process of its own, since nothing may run between fork and exec where threads
# draw a spinner.
_TETHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


def here(command: Sequence[str]) -> list[str]:
    """A container's command with its image's Python replaced by this one."""
    program, *arguments = command
    return [sys.executable if program in {"python", "python3"} else program, *arguments]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with a container's own; `python` is this one for shells too."""
    folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **more}


def run(
    command: Sequence[str],
    variables: Mapping[str, str],
    log: IO[bytes],
    timeout_s: float | None = None,
) -> int:
    """Run a command to its end.

    Whatever ends the wait, be it a signal to this process, ends the command and all that it has
    started; so does its own end, as that of a container.

    Args:
        command: Program and arguments.
        variables: The whole environment.
        log: Gets both of its streams.
        timeout_s: Time that it gets; None for as much as it takes.

    Returns:
        Its exit code; negative where a signal ended it.

    Raises:
        EnvironmentFault: It cannot be started.
        TimeoutExpired: Of `subprocess`: its time is over.
    """
    if shutil.which(command[0], path=variables.get("PATH")) is None:
        raise EnvironmentFault(
            f"container's command must be a program of this machine; got {command[0]}"
        )
    try:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _TETHER, str(os.getpid()), *command],
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A group of its own: a Ctrl-C comes to us first, and we end all of it.
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentFault(f"process must be startable; got {error.strerror}") from None
    try:
        return process.wait(timeout_s)
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, gently first, then its group."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
