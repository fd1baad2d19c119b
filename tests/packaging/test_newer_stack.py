"""The newer stack's root: who can have one, what is copied into it, how a command ends in it."""

import os
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.debian_root import (
    INCLUDED,
    ROOM,
    ROOM_AGAIN,
    Host,
    copy_settings,
    enter,
    environment_inside,
    inspect_host,
    is_made,
    obstacle,
)
from scripts.newer_stack import StepError, copy_checkout, within

PROGRAMS = frozenset({"apt-get", "chroot", "debootstrap", "git", "mount", "setpriv", "unshare"})
ABLE = Host("Linux", "x86_64", 0, PROGRAMS, "", ROOM)


@pytest.mark.parametrize(
    ("host", "has_root"),
    [
        pytest.param(ABLE, False, id="everything there"),
        pytest.param(
            replace(ABLE, programs=PROGRAMS - {"debootstrap"}), False, id="apt-get can bring it"
        ),
        pytest.param(
            replace(ABLE, programs=PROGRAMS - {"debootstrap", "apt-get"}, room=ROOM_AGAIN),
            True,
            id="made before",
        ),
    ],
)
def test_obstacle_is_none_where_a_root_can_be_had(host: Host, has_root: bool) -> None:
    assert obstacle(host, has_root) is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        (replace(ABLE, user=1000), r"needs root's rights; this is user 1000"),
        (replace(ABLE, architecture="aarch64"), r"x86_64 only, not Linux on aarch64"),
        (replace(ABLE, system="Darwin"), r"not Darwin on x86_64"),
        (replace(ABLE, programs=PROGRAMS - {"unshare", "git"}), r"missing: git, unshare"),
        (replace(ABLE, namespaces="Operation not permitted"), r"may not make namespaces.*\(Op"),
        (replace(ABLE, programs=PROGRAMS - {"debootstrap", "apt-get"}), r"no debootstrap, and no"),
        (replace(ABLE, room=2_500_000_000), r"takes up to 10 GB; 2.5 are free"),
    ],
)
def test_obstacle_names_what_is_missing(host: Host, reason: str) -> None:
    found = obstacle(host, has_root=False)
    assert found is not None
    assert re.search(reason, found)
    assert "\n" not in found


def test_obstacle_is_a_disk_too_full_for_the_tests_in_a_root_that_stands() -> None:
    full = replace(ABLE, room=1_200_000_000)
    assert obstacle(full, has_root=True) == "tests in the root take up to 2 GB; 1.2 are free"


def test_root_is_made_again_when_its_packages_change(tmp_path: Path) -> None:
    assert not is_made(tmp_path)
    (tmp_path / "made").write_text(INCLUDED)
    assert is_made(tmp_path)
    (tmp_path / "made").write_text(f"{INCLUDED},another")
    assert not is_made(tmp_path)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a program, a link, an edited, a deleted, an ignored and a new file."""
    folder = tmp_path / "checkout"
    (folder / "sub").mkdir(parents=True)
    for name in ("sub/program", "edited", "deleted", ".gitignore"):
        (folder / name).write_text("ignored\n")
    (folder / "sub" / "program").chmod(0o755)
    (folder / "link").symlink_to("sub")
    _git(folder, "init", "-q")
    _git(folder, "add", "--all")
    (folder / "edited").write_text("not committed\n")
    (folder / "deleted").unlink()
    for name in ("ignored", "new"):
        (folder / name).touch()
    return folder


def test_checkout_is_copied_as_tracked_and_edited(checkout: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    assert copy_checkout(checkout, place) == 4
    assert _git(place, "ls-files").split() == [".gitignore", "edited", "link", "sub/program"]
    assert (place / "edited").read_text() == "not committed\n"
    assert os.access(place / "sub" / "program", os.X_OK)
    assert os.readlink(place / "link") == "sub"


def test_checkout_copied_again_replaces_all_but_the_environment(
    checkout: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    copy_checkout(checkout, place)
    for name in (".venv/bin/python", ".uv/bin/uv", "sub/left-over", "__pycache__/x.pyc"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    (checkout / "link").unlink()
    (checkout / "link").write_text("now a file")
    copy_checkout(checkout, place)
    kept = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    kept = {name for name in kept if not name.startswith(".git/")}
    assert kept == {".gitignore", ".uv/bin/uv", ".venv/bin/python", "edited", "link", "sub/program"}


def test_environment_inside_is_plain_but_for_the_network() -> None:
    outside = {
        "HTTPS_PROXY": "proxy",
        "UV_DEFAULT_INDEX": "index",
        "OPENBLAS_CORETYPE": "Haswell",
        "PATH": "/opt/here",
        "PYTHONPATH": "/opt/here",
        "MAKEFLAGS": "w",
        "UV_PROJECT_ENVIRONMENT": ".venv",
    }
    inside = environment_inside(outside)
    assert (inside["HTTPS_PROXY"], inside["UV_DEFAULT_INDEX"]) == ("proxy", "index")
    assert inside["OPENBLAS_CORETYPE"] == "Haswell"
    assert not {"PYTHONPATH", "MAKEFLAGS", "UV_PROJECT_ENVIRONMENT"} & inside.keys()
    assert "/opt" not in inside["PATH"]


def test_settings_replace_links_instead_of_following_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    bundle = tmp_path / "bundle"
    bundle.write_text("certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    certificates = tmp_path / "root" / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    certificates.parent.mkdir(parents=True)
    certificates.symlink_to(outside)
    copy_settings(tmp_path / "root")
    assert certificates.read_text() == "certificates"
    assert outside.read_text() == "untouched"


@pytest.fixture
def root() -> Path:
    """This machine's own `/` as the root: its mounts in the command's namespace touch nothing."""
    reason = obstacle(inspect_host(Path("/")), has_root=True)
    if reason:
        pytest.skip(reason)
    return Path("/")


def test_enter_gives_the_commands_exit_code_and_its_own_processes(
    root: Path, tmp_path: Path
) -> None:
    before = Path("/proc/mounts").read_text()
    script = "ls -d /proc/[0-9]* | wc -l > processes; pwd > place; exit 3"
    assert enter(root, tmp_path, ["sh", "-c", script]) == 3
    assert int((tmp_path / "processes").read_text()) < 6
    assert (tmp_path / "place").read_text() == f"{tmp_path}\n"
    assert Path("/proc/mounts").read_text() == before


def test_enter_ends_what_the_command_leaves_running(root: Path, tmp_path: Path) -> None:
    beat = "while true; do date +%N > beat; sleep 0.02; done"
    assert enter(root, tmp_path, ["sh", "-c", f"({beat}) & sleep 0.3"]) == 0
    last = (tmp_path / "beat").read_text()
    time.sleep(0.3)
    assert (tmp_path / "beat").read_text() == last


def test_enter_shows_the_datasets_read_only_beside_the_place(root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows").write_text("1\n")
    place = tmp_path / "place"
    place.mkdir()
    script = "cp ../shared/data/rows seen && ! touch ../shared/data/new 2>/dev/null"
    assert enter(root, place, ["sh", "-c", script], data) == 0
    assert (place / "seen").read_text() == "1\n"
    assert list(data.iterdir()) == [data / "rows"]
    assert list((tmp_path / "shared" / "data").iterdir()) == []


def test_enter_keeps_what_the_command_says_and_shows_it(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    assert enter(root, tmp_path, ["sh", "-c", "echo one; echo two >&2"], said=said) == 0
    assert said == ["one\n", "two\n"]
    assert capfd.readouterr() == ("", "one\ntwo\n")


@pytest.mark.parametrize("said", [None, []])
def test_command_that_takes_too_long_ends(
    root: Path, tmp_path: Path, said: list[str] | None
) -> None:
    beat = "while true; do date +%N > beat; sleep 0.02; done"
    with pytest.raises(StepError, match="too long"), within(1, StepError("too long")):
        enter(root, tmp_path, ["sh", "-c", beat], said=said)
    last = (tmp_path / "beat").read_text()
    time.sleep(0.3)
    assert (tmp_path / "beat").read_text() == last


def test_limit_ends_with_its_block() -> None:
    with within(1, StepError("too long")):
        pass
    with within(0, StepError("too long")):
        time.sleep(1.1)
