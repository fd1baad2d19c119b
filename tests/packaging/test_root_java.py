"""Java in the newer stack's root: brought once, told where it cannot be, and its jars shared."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.places import Places
from scripts.debian_root import JARS, enter, environment_inside, inspect_host, obstacle
from scripts.newer_stack import parse_options
from scripts.root_java import PACKAGES, bring_java, has_java
from tests.pipeline.engines.programs import program


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a shell, and an apt that writes down what it was asked for."""
    reason = obstacle(inspect_host(Path("/")), has_root=True)
    if reason:
        pytest.skip(reason)
    folder = tmp_path / "root"
    for name in ("bin", "dev", "proc", "sys", "usr/bin", "var/log"):
        (folder / name).mkdir(parents=True)
    for name in ("sh", "grep", "tail", "mkdir"):
        _copy_program(name, folder)
    for name in ("dpkg", "java", "mvn"):
        program(folder / "usr/bin", name, 'echo "$0 $*"')
    program(folder / "usr/bin", "apt-get", 'echo "$*" >> /asked')
    return folder


def _copy_program(name: str, root: Path) -> None:
    found = shutil.which(name)
    assert found is not None
    shutil.copy(found, root / "bin" / name)
    told = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(0x", told):
        (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, root / library[1:])


def test_java_is_brought_once_and_again_when_its_packages_change(root: Path) -> None:
    assert not has_java(root)
    assert bring_java(root) is None
    assert has_java(root)
    update, install, distclean = (root / "asked").read_text().splitlines()
    assert (update, distclean) == ("update", "distclean")
    assert install == f"install --yes --no-install-recommends {PACKAGES}"
    (root / "java").write_text("another")
    assert not has_java(root)


def test_java_that_cannot_be_had_is_told_in_one_line_and_tried_again(root: Path) -> None:
    lines = ["E: one", "Reading", "W: two", "E: three", "E: four", "Done"]
    program(root / "usr/bin", "apt-get", *(f"echo '{line}'" for line in lines), "exit 100")
    assert bring_java(root) == "W: two | E: three | E: four"
    assert not has_java(root)
    program(root / "usr/bin", "apt-get", "true")
    program(root / "usr/bin", "java", "echo cannot start", "exit 1")
    assert bring_java(root) == "cannot start"
    assert not has_java(root)


def test_jars_of_the_root_are_those_of_this_machine(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `rankbeam` looks for them inside, by its environment there, is what is shown."""
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / "here").write_text("from outside\n")
    script = f"read line < {JARS}/here; echo $line, and back > {JARS}/there"
    assert enter(root, Path("/"), ["sh", "-ec", script], jars=jars) == 0
    assert (jars / "there").read_text() == "from outside, and back\n"
    for name in ("RANKBEAM_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", environment_inside({})["HOME"])
    assert Places.of_user().jars("flink", "0").parent == Path(JARS)


@pytest.mark.parametrize(
    "variables",
    [{}, {"XDG_CACHE_HOME": "/a"}, {"XDG_CACHE_HOME": "/a", "RANKBEAM_CACHE_DIR": "/b"}],
)
def test_jars_of_this_machine_are_where_rankbeam_keeps_them(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANKBEAM_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["newer_stack", "true"])
    assert parse_options().jars == Places.of_user().jars("spark", "0").parent
