"""Processes are found and ended by their mark, however they came to be."""

import functools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.health import is_free
from rankbeam.pipeline.engines.processes import (
    _is_becoming,
    end_marked,
    is_marked,
    marked,
    start_marked,
)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[str]:
    """A mark that no other test has; what bears it ends with the test."""
    yield str(tmp_path)
    end_marked(str(tmp_path), grace_s=0)


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _twice(log: Path, word: str) -> bool:
    return log.read_text().count(word) == 2


def test_start_appends_output_to_the_log(mark: str, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "echo.log"
    for word in ("first", "second"):
        start_marked(["sh", "-c", f"echo {word}; echo {word} >&2"], mark, log)
        _await(functools.partial(_twice, log, word))
    assert log.read_text() == "first\nfirst\nsecond\nsecond\n"


def test_marked_waits_for_a_process_that_is_becoming_another_program(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel shows it without an environment for the while, here for five looks."""
    pid = start_marked(["sleep", "60"], mark, tmp_path / "log")
    environ, stat = Path(f"/proc/{pid}/environ"), Path(f"/proc/{pid}/stat")
    fields = stat.read_text().split()
    shown = {stat: " ".join([*fields[:50], "0", *fields[51:]])}
    read_bytes, read_text, looks = Path.read_bytes, Path.read_text, list[Path]()

    def late(path: Path) -> bytes:
        looks.append(path)
        return b"" if path == environ and looks.count(path) <= 5 else read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    monkeypatch.setattr(
        Path, "read_text", lambda path, **how: shown.get(path) or read_text(path, **how)
    )
    assert marked(mark) == [pid]


def test_process_started_without_an_environment_is_not_waited_for() -> None:
    process = subprocess.Popen(["env", "-i", "sleep", "60"])
    folder = Path(f"/proc/{process.pid}")
    _await(lambda: not (folder / "environ").read_bytes() and not _is_becoming(folder))
    process.kill()
    process.wait()


def test_marked_finds_descendants_whose_parent_is_gone(mark: str, tmp_path: Path) -> None:
    # The shell ends at once; its child goes on, in yet another session.
    command = ["sh", "-c", "setsid sleep 60 & sleep 0.05"]
    shell = start_marked(command, mark, tmp_path / "log")
    _await(lambda: not is_marked(shell, mark) and len(marked(mark)) == 1)
    assert shell not in marked(mark)


def test_marked_tells_marks_apart(mark: str, tmp_path: Path) -> None:
    own = start_marked(["sleep", "60"], mark, tmp_path / "log")
    _await(lambda: marked(mark) == [own])
    assert marked(f"{mark}-other") == []
    assert marked(mark[:-1]) == []
    assert not is_marked(own, f"{mark}-other")


def test_end_kills_what_ignores_a_polite_request(mark: str, tmp_path: Path) -> None:
    polite = start_marked(["sleep", "60"], mark, tmp_path / "log")
    # The shell ignores SIGTERM, and so does what it starts.
    stubborn = start_marked(
        ["sh", "-c", "trap '' TERM; echo set; sleep 60; sleep 60"], mark, tmp_path / "stubborn"
    )
    _await(lambda: "set" in (tmp_path / "stubborn").read_text())
    _await(lambda: {polite, stubborn} <= set(marked(mark)))
    assert end_marked(mark, grace_s=0.3) >= 3
    assert marked(mark) == []


def test_end_leaves_the_processes_of_others(mark: str, tmp_path: Path) -> None:
    start_marked(["sleep", "60"], mark, tmp_path / "log")
    with subprocess.Popen(["sleep", "60"]) as other:
        assert end_marked(mark, grace_s=5) == 1
        assert other.poll() is None
        other.kill()


def test_end_leaves_no_port_taken(mark: str, tmp_path: Path) -> None:
    """The kernel takes memory from a process before it closes what that listens at."""
    listens = "import socket, time; one = socket.create_server(('127.0.0.1', 0))"
    holds = "held = b'x' * 1_000_000_000; print(one.getsockname()[1], flush=True); time.sleep(60)"
    log = tmp_path / "log"
    start_marked([sys.executable, "-c", f"{listens}; {holds}"], mark, log)
    _await(lambda: log.read_text().endswith("\n"))
    assert end_marked(mark, grace_s=0) == 1
    assert is_free(int(log.read_text()))


def test_end_of_nothing_ends_nothing(tmp_path: Path) -> None:
    assert end_marked(str(tmp_path), grace_s=5) == 0
