"""What of the machine keeps the newer stack from running: 77 and a reason, which the gate skips."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.debian_root import INCLUDED, CannotError, inspect_host, obstacle
from scripts.newer_stack import CANNOT, copy_checkout, main
from tests.disks import remount_read_only, small_disk
from tests.packaging.checkout import ROOT


def test_newer_stack_says_why_it_cannot_be_had(tmp_path: Path) -> None:
    """On a PATH without the tools; 77 tells the gate to skip."""
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "scripts.newer_stack", "--folder", str(tmp_path / "cache")]
    answer = subprocess.run(
        [*command, "true"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == CANNOT
    assert re.search(r"cannot be done here: (programs are missing|.*root's rights)", answer.stderr)
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_newer_stack_tells_another_user_what_it_lacks_first(tmp_path: Path) -> None:
    """With a folder that this user may not even look for, as root's home is."""
    tmp_path.chmod(0o700)
    nobody = 65534
    command = ["/usr/bin/python3", "-m", "scripts.newer_stack", "--folder", f"{tmp_path}/a/b"]
    try:
        answer = subprocess.run(
            [*command, "true"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
            user=nobody,
            group=nobody,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        pytest.skip(f"no Python or checkout that another user may use: {error}")
    assert answer.returncode == CANNOT
    assert f"needs root's rights; this is user {nobody}" in answer.stderr


@pytest.fixture
def able() -> Iterator[None]:
    """A machine where a root can be had; and what `main` does to signals undone."""
    reason = obstacle(inspect_host(Path("/")), has_root=True)
    if reason:
        pytest.skip(reason)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _main(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["newer_stack", *map(str, words)])
    return main()


@pytest.mark.parametrize("there", ["nothing", "a file", "a folder"])
def test_folder_that_cannot_be_written_is_no_fault_of_the_project(
    there: str,
    able: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("scripts.debian_root.ROOM", 0)
    with small_disk(tmp_path / "disk", "64k") as disk:
        folder = disk / "cache"
        if there == "a folder":
            folder.mkdir()
        elif there == "a file":
            folder.touch()
        remount_read_only(disk)
        code = _main(monkeypatch, "--folder", folder, "true")
    reason = "File exists" if there == "a file" else "Read-only file system"
    assert code == CANNOT
    assert "newer_stack: cannot be done here: [Errno " in (said := capsys.readouterr().err)
    assert reason in said


def test_disk_that_fills_while_the_checkout_is_copied_is_no_fault_of_the_project(
    able: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("scripts.debian_root.ROOM_AGAIN", 0)
    with small_disk(tmp_path / "disk", "1m") as disk:
        (disk / "root").mkdir()
        (disk / "root" / "made").write_text(INCLUDED)
        jars = tmp_path / "jars"
        assert _main(monkeypatch, "--folder", disk, "--jars", jars, "true") == CANNOT
    assert "cannot be done here: [Errno 28] No space left on device" in capsys.readouterr().err


def test_git_that_fails_is_no_fault_of_the_project(tmp_path: Path) -> None:
    with pytest.raises(CannotError, match=r"^`git -C .* ls-files -z` failed: fatal: not a git rep"):
        copy_checkout(tmp_path, tmp_path / "place")
