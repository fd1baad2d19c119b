"""The gate stops at the first failure, in either lane; setting up finds or refuses a uv."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.checkout import ROOT


def _program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def _run(
    command: list[str | Path], path: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    ours = ("RANKBEAM_GATE_NEWER_STACK", "RANKBEAM_GATE_MINUTES")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        command,
        env={**environment, "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _gate(
    tmp_path: Path, make: str, python: str = "true", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Runs the gate with a `make` and a `python3` that only say what they were asked."""
    _program(tmp_path / "bin" / "make", make)
    asked = f'if [ "$1" = -c ]; then exit 0; fi\necho "made $*"\n{python}'
    _program(tmp_path / "bin" / "python3", asked)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return _run([ROOT / ".ci" / "run"], path, **variables)


def _made(answer: subprocess.CompletedProcess[str]) -> list[list[str]]:
    lines = [line.split() for line in answer.stdout.splitlines()]
    return [words[1:] for words in lines if words and words[0] == "made"]


def test_gate_runs_every_step_in_order(tmp_path: Path) -> None:
    answer = _gate(tmp_path, 'echo "made $1"')
    assert answer.returncode == 0
    *made, newer_stack = _made(answer)
    assert made == [["lint"], ["types"], ["contracts"], ["test"], ["package"]]
    assert newer_stack[:3] == ["-m", "scripts.newer_stack", "--unless-native"]
    assert newer_stack[-3:] == ["--", "make", "test-brief"]
    last = answer.stdout.splitlines()[-1]
    assert "all passed in" in last
    assert "skipped" not in last


def test_gate_ends_tests_that_hang(tmp_path: Path) -> None:
    """With a `timeout` that says what it was asked, and waits a second instead."""
    real = shutil.which("timeout")
    asked = f'echo "made $*"\nexec {real} "$1" "$2" 1 "$4" "$5"'
    _program(tmp_path / "bin" / "timeout", asked)
    left = tmp_path / "left"
    hangs = f'trap "touch {left}; exit 2" TERM\nwhile true; do sleep 0.1; done'
    answer = _gate(tmp_path, f'test "$1" = test || exit 0\n{hangs}', RANKBEAM_GATE_MINUTES="10")
    assert answer.returncode == 1
    assert _made(answer) == [["--foreground", "--kill-after=60", "540", "make", "test"]]
    assert "did not end within 540 s, nine tenths of the gate's 10 minutes" in answer.stderr
    assert "tests: FAILED after" in answer.stderr
    assert left.exists()


def test_gate_gives_the_newer_stack_its_time_but_for_five_minutes(tmp_path: Path) -> None:
    answer = _gate(tmp_path, "true", RANKBEAM_GATE_MINUTES="60")
    words = _made(answer)[-1]
    assert words[words.index("--prepare-within") + 1] == "900"
    assert words[words.index("--within") + 1] == str(55 * 60 - 900)


def test_gate_runs_the_newer_stack_beside_the_other_steps(tmp_path: Path) -> None:
    """Each waits for the other to be there."""
    make, python = tmp_path / "make", tmp_path / "python"
    answer = _gate(
        tmp_path,
        f"touch {make}\n{_await(python)}",
        f"touch {python}\n{_await(make)}\necho 'ended well'",
    )
    assert answer.returncode == 0
    assert "ended well" in answer.stdout.splitlines()


def _await(path: Path) -> str:
    return f"for _ in $(seq 600); do test -e {path} && break; sleep 0.1; done\ntest -e {path}"


def test_gate_ends_the_newer_stack_when_a_step_fails(tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    answer = _gate(
        tmp_path,
        f"{_await(begun)}\nexit 2",
        f'trap "touch {ended}; exit 143" TERM\ntouch {begun}\nwhile true; do sleep 0.1; done',
    )
    assert answer.returncode == 1
    assert "lint: FAILED after" in answer.stderr
    assert ended.exists()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"RANKBEAM_GATE_NEWER_STACK": "0"}, "switched off: RANKBEAM_GATE_NEWER_STACK is 0"),
        (
            {"RANKBEAM_GATE_MINUTES": "49"},
            "no time: they want 50 of the gate's minutes, which has 49",
        ),
    ],
)
def test_gate_leaves_the_newer_stack_out_with_a_reason(
    tmp_path: Path, variables: dict[str, str], reason: str
) -> None:
    answer = _gate(tmp_path, "true", python="exit 2", **variables)
    assert answer.returncode == 0
    assert _made(answer) == []
    assert reason in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("; skipped: newer-stack")


def test_gate_stops_at_the_first_failure(tmp_path: Path) -> None:
    answer = _gate(tmp_path, 'echo "made $1"; test "$1" != types')
    assert answer.returncode == 1
    assert "types: FAILED after" in answer.stderr
    assert "made contracts" not in answer.stdout


def test_gate_says_what_it_skipped(tmp_path: Path) -> None:
    answer = _gate(tmp_path, "true", python="echo 'no root here' >&2; exit 77")
    assert answer.returncode == 0
    assert "no root here" in answer.stdout
    assert "newer-stack: SKIPPED, for the reason above" in answer.stdout
    assert answer.stdout.splitlines()[-1].endswith("; skipped: newer-stack")


def test_gate_fails_where_the_newer_stack_fails(tmp_path: Path) -> None:
    answer = _gate(tmp_path, "true", python="exit 2")
    assert answer.returncode == 1
    assert "newer-stack: FAILED after" in answer.stderr


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with what the scripts call, and neither Python nor uv."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("dirname", "head", "rm", "sed", "sh", "sort"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def _bootstrap(folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    return _run([ROOT / "scripts" / "bootstrap_uv.sh", folder, "0.0.0"], str(path))


def test_bootstrap_uses_the_private_uv_first(tmp_path: Path, tools: Path) -> None:
    private = _program(tmp_path / "private" / "bin" / "uv", "echo 'uv 0.13.8 (x86_64)'")
    _program(tools / "uv", "echo 'uv 0.9.1'")
    answer = _bootstrap(tmp_path / "private", tools)
    assert (answer.returncode, answer.stdout.strip()) == (0, str(private))


def test_bootstrap_uses_a_uv_on_path_that_works(tmp_path: Path, tools: Path) -> None:
    on_path = _program(tools / "uv", "echo 'uv 0.9.1'")
    answer = _bootstrap(tmp_path / "private", tools)
    assert (answer.returncode, answer.stdout.strip()) == (0, str(on_path))


@pytest.mark.parametrize(
    "body",
    ["echo 'uv: not installed in this version' >&2; exit 127", "echo 'uv 0.4.30'", "echo hello"],
    ids=["shim that fails", "too old", "another program"],
)
def test_bootstrap_refuses_a_uv_that_does_not_serve(tmp_path: Path, tools: Path, body: str) -> None:
    """Shown by what it turns to next: a Python, which here has neither venv nor pip."""
    _program(tools / "uv", body)
    _program(tools / "python3", 'test "$1" = -c')
    answer = _bootstrap(tmp_path / "private", tools)
    assert answer.returncode == 1
    assert "has neither venv nor pip" in answer.stderr
    assert not answer.stdout
