"""Several commands one after another in one process, so that TFX is imported once for all.

A command sees what the command line gives it: its own standard output, standard error and exit
code. That nothing of a run outlives it in the process is thereby under test as well.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

if __package__:  # not where this file is the program below
    from tests.e2e.command import Finished


class WarmProcess:
    """A process that runs commands until it is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rankbeam-warm-")
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, self._folder.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def rankbeam(self, *arguments: object) -> "Finished":
        """Run `rankbeam ARGUMENTS...` to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        out, err = (
            (Path(self._folder.name) / name).read_text(encoding="utf-8") for name in ("out", "err")
        )
        return Finished(code, out, err)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)
        self._folder.cleanup()
        assert self._process.returncode == 0


def _serve(folder: Path) -> None:
    """Answer each line of standard input, a JSON list of words, with a line: the exit code."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        answers.write(f"{_run(json.loads(line), folder)}\n")


def _run(words: list[str], folder: Path) -> Any:
    from rankbeam.pipeline.cli import main

    for number, name in ((1, "out"), (2, "err")):
        target = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(target, number)
        os.close(target)
    try:
        main(words)
    except SystemExit as ended:
        return ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
