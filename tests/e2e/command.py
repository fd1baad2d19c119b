"""The command line as a user runs it: a process with an exit code and two streams."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PROGRAM = Path(sys.executable).parent / "rankbeam"

_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


class Polled(Protocol):
    """A process that can be asked whether it has ended."""

    def poll(self) -> int | None:
        """The exit code, None while it runs."""


def rankbeam(
    *arguments: object,
    cwd: Path | None = None,
    temporary: Path | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Finished:
    """Run `rankbeam ARGUMENTS...` to its end in a process of its own.

    Args:
        *arguments: Words after the program's name.
        cwd: Its current folder; by default, this process's.
        temporary: Its folder of temporary files; by default, this process's.
        timeout_s: After which it is killed, and the test fails.
    """
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=None if temporary is None else {**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(*arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """`rankbeam ARGUMENTS...` under way for a block, in a session that ends with it."""
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        for member in session_of(process.pid):
            os.kill(member, signal.SIGKILL)
        process.communicate()


def await_that(
    condition: Callable[[], bool],
    process: Polled | None = None,
    timeout_s: float = 120.0,
) -> bool:
    """Wait for `condition`, looking a thousand times a second, at most until `process` ends.

    Returns:
        Whether it came to hold.
    """
    deadline = time.monotonic() + timeout_s
    while not (holds := condition()) and (process is None or process.poll() is None):
        assert time.monotonic() < deadline, f"not so within {timeout_s} s"
        time.sleep(0.001)
    return holds


def session_of(leader: int) -> list[int]:
    """Ids of the processes of its session that still run: the leader's and its descendants'."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            # proc(5): pid (command) state parent group session ...
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (OSError, UnicodeDecodeError):
            continue  # no process, or gone in the meantime
        if folder.name.isdigit() and int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(folder.name))
    return found
