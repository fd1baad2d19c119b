"""Child processes of the benchmark: where they run, how they are asked, how they end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rankbeam.serving import die_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent
_STOP_TIMEOUT_S = 20.0
_LOG_TAIL = 30


class ChildFailedError(Exception):
    """A process ended, or answered nonsense; the message holds the end of its log."""


class Child:
    """A process on given cores, in a group of its own, that ends with its `with` block."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        cores: Sequence[int],
        environment: Mapping[str, str],
        talks: bool = True,
    ) -> None:
        """Starts it.

        Args:
            name: Names the process in errors, and its log `NAME.log`.
            command: What to run.
            folder: Where it runs and logs.
            cores: The cores that it, its threads and its children may use. They are set before
                it starts, so that libraries size their thread pools by them.
            environment: Its whole environment.
            talks: Its standard output is read, line by line; else it goes to the log.
        """
        self.name = name
        self._log = folder / f"{name}.log"
        launcher = [sys.executable, "-I", die_with_parent.__file__, str(os.getpid())]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*launcher, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                cwd=folder,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - one thread
            )

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Sends one line of JSON and waits for the answer's line.

        Raises:
            ChildFailedError: The process ended instead.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self.failure("ended") from None
        return self.read_line()

    def read_line(self) -> dict[str, Any]:
        """The next line of JSON on its standard output.

        Raises:
            ChildFailedError: The process ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self.failure("ended")
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def failure(self, what: str) -> ChildFailedError:
        """An error with the end of the log."""
        tail = self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL:]
        return ChildFailedError("\n".join([f"{self.name} {what}", *tail]))

    def stop(self) -> None:
        """SIGTERM to the process, which ends its own children; then SIGKILL to what is left."""
        if self.running:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_TIMEOUT_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def module(name: str, *arguments: str) -> list[str]:
    """The command of one of this benchmark's modules."""
    return [sys.executable, "-m", f"benchmarks.serving_load.{name}", *arguments]


def own_environment() -> dict[str, str]:
    """This process's environment, with `benchmarks` importable from any folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
