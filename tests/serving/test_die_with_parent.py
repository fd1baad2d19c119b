"""The launcher: becomes the command, or refuses where the parent is gone."""

import os
import subprocess
import sys

from rankbeam.serving import die_with_parent


def _run(parent: int, *command: str) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-I", die_with_parent.__file__, str(parent)]
    return subprocess.run(
        [*launcher, *command], capture_output=True, text=True, check=False, timeout=30
    )


def test_die_with_parent_becomes_the_command() -> None:
    done = _run(os.getpid(), "sh", "-c", "echo out; exit 7")
    assert (done.returncode, done.stdout) == (7, "out\n")


def test_die_with_parent_refuses_where_the_parent_is_gone() -> None:
    done = _run(2**22 + 1, "sh", "-c", "echo out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "parent process ended" in done.stderr
