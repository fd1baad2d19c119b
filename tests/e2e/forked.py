"""Commands that are to be killed: processes of their own, forked off one that has imported TFX.

Each leads a session, has an exit code and a standard error of its own, and ends as Python does. It
does not import TFX again, which takes longer than most of its work.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if __package__:  # not where this file is the program below
    from tests.e2e.command import session_of


class Forked:
    """A command under way.

    Attributes:
        pid: Of its process.
        returncode: As Popen's: None while it runs, negative where a signal ended it.
    """

    def __init__(self, pid: int, answers: int, err: Path) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._answers = answers
        self._err = err

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._ended(0.0)

    def wait(self, timeout_s: float) -> int:
        """The exit code, which must be there within `timeout_s`."""
        code = self._ended(timeout_s)
        assert code is not None, f"still running after {timeout_s} s"
        return code

    def err(self) -> str:
        """What it wrote to standard error."""
        return self._err.read_text(encoding="utf-8")

    def _ended(self, timeout_s: float) -> int | None:
        if self.returncode is None and select.select([self._answers], [], [], timeout_s)[0]:
            self.returncode = _read_number(self._answers)
        return self.returncode


class Forks:
    """The process that others are forked off, until it is closed; one at a time."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rankbeam-forks-")
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what is there to read is seen by `select`
        )

    @contextmanager
    def started(self, *arguments: object) -> Iterator[Forked]:
        """`rankbeam ARGUMENTS...` under way for a block, in a session that ends with it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = json.dumps([str(argument) for argument in arguments]) + "\n"
        self._process.stdin.write(words.encode())
        answers = self._process.stdout.fileno()
        command = Forked(_read_number(answers), answers, Path(self._folder.name) / "err")
        try:
            yield command
        finally:
            for member in session_of(command.pid):
                os.kill(member, signal.SIGKILL)
            command.wait(30.0)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)
        self._folder.cleanup()
        assert self._process.returncode == 0


def _read_number(answers: int) -> int:
    line = b""
    while not line.endswith(b"\n"):
        read = os.read(answers, 1)
        assert read, "the process that others are forked off has ended"
        line += read
    return int(line)


def _serve(folder: Path) -> None:
    """Run each line of standard input, a JSON list of words; tell its id, then its exit code."""
    _import_all()
    # A fork has but the thread that forked, and what others had locked stays locked. OpenBLAS's and
    # jemalloc's, which importing starts, are made anew by themselves.
    assert threading.active_count() == 1
    for line in sys.stdin:
        words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(words, folder)
        os.write(1, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _import_all() -> None:
    """Import what a run does, as a run does it."""
    from rankbeam.pipeline.quiet import quiet_libraries

    quiet_libraries()
    from rankbeam.pipeline import dag, execution  # noqa: F401
    from rankbeam.pipeline.cli import main  # noqa: F401
    from rankbeam.pipeline.progress import reporter, summary  # noqa: F401
    from rankbeam.pipeline.runners import local  # noqa: F401


def _become(words: list[str], folder: Path) -> None:
    """Be the command; the interpreter ends with it."""
    from rankbeam.pipeline.cli import main

    os.setsid()
    for number, path, how in (
        (0, Path(os.devnull), os.O_RDONLY),
        (1, folder / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, folder / "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    main(words)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
