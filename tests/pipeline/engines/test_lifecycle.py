"""Up, down and status where something is missing, fails or was killed."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.jars import fetch_jars, have_jars, pom_of
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.lifecycle import bring_down, bring_up, status
from rankbeam.pipeline.engines.members import temporary
from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import KINDS, Places
from rankbeam.pipeline.engines.processes import marked, start_marked
from rankbeam.pipeline.engines.state import EngineState, Member, read_state, write_state
from rankbeam.transform.errors import EnvironmentFault
from tests.pipeline.engines.programs import VERSION_17, java, program

_SHORT = EngineOptions(slots=1, port=18399, timeout_s=1.0)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Folders of this test's own, with stand-ins for jars, and no program but the shell's."""
    here = Places(tmp_path / "cache", tmp_path / "state")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    yield here
    for kind in KINDS:
        bring_down(kind, here)


@pytest.fixture
def jars(places: Places, tmp_path: Path) -> None:
    """Jars of Flink, as a Maven that works would leave them."""
    copy = 'for word in "$@"; do case $word in -DoutputDirectory=*) out=${word#*=};; esac; done'
    program(tmp_path / "bin", "mvn", copy, "mkdir -p $out", "touch $out/a.jar")
    fetch_jars("flink", places, lambda _: None)
    (tmp_path / "bin" / "mvn").unlink()


def _said(_: str) -> None:
    """Takes what is said while jars are fetched."""


def test_status_of_what_never_ran(places: Places) -> None:
    for kind in KINDS:
        how = status(kind, places)
        assert (how.state, how.fault, how.processes, how.is_up) == (None, "not started", 0, False)


@pytest.mark.usefixtures("jars")
def test_up_tells_why_a_process_ended(places: Places, tmp_path: Path) -> None:
    java(tmp_path / "bin", "echo it is too dark here", "exit 3")
    message = r"(?s)^flink's job-server must stay up; it ended:\nit is too dark here\nfull log: "
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _SHORT, places, _said)
    assert read_state(places.engine("flink")) is None
    assert marked(str(places.engine("flink"))) == []


@pytest.mark.usefixtures("jars")
def test_what_an_engine_writes_for_itself_goes_with_it(places: Places, tmp_path: Path) -> None:
    write = "-Djava.io.tmpdir=*) echo x > ${word#*=}/left && echo left in ${word#*=};;"
    java(tmp_path / "bin", f'for word in "$@"; do case $word in {write} esac; done', "exit 3")
    folder = temporary(places.engine("flink"))
    with pytest.raises(EnvironmentFault, match=rf"ended:\nleft in {folder}\n"):
        bring_up("flink", _SHORT, places, _said)
    assert not folder.exists()


@pytest.mark.usefixtures("jars")
def test_up_gives_up_on_what_does_not_answer_and_ends_it(places: Places, tmp_path: Path) -> None:
    java(tmp_path / "bin", "exec sleep 60")
    message = r"^flink must answer within 1 s; got localhost:18399: nothing listens there:"
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _SHORT, places, _said)
    assert marked(str(places.engine("flink"))) == []
    assert status("flink", places).fault == "not started"


@pytest.mark.usefixtures("jars")
def test_up_asks_for_a_port_that_is_free(places: Places, tmp_path: Path) -> None:
    java(tmp_path / "bin", "exec sleep 60")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=rf"^--port must be a free port; got {port}, "):
            bring_up("flink", replace(_SHORT, port=port), places, _said)
    assert marked(str(places.engine("flink"))) == []


def test_up_asks_for_java(places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EnvironmentFault, match=r"^java must be installed .* got no java on PATH$"):
        bring_up("flink", _SHORT, places, _said)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(EnvironmentFault, match=r"^java must be installed .*got JAVA_HOME=/nowh"):
        bring_up("flink", _SHORT, places, _said)


@pytest.mark.parametrize("version", ["1.8.0_392", "25.0.1"])
def test_up_asks_for_a_java_that_fits(places: Places, tmp_path: Path, version: str) -> None:
    program(tmp_path / "bin", "java", f"echo 'openjdk version \"{version}\"' >&2")
    message = rf"^java must be of version 11 to 21; .*\"{re.escape(version)}\""
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _SHORT, places, _said)


@pytest.mark.parametrize("by_home", [False, True])
def test_java_that_is_no_program_is_one_fault(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_home: bool
) -> None:
    path = program(tmp_path / "bin", "java")
    if by_home:
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    path.write_bytes(b"\x00\x01 no program")
    message = rf"^java must be a program that can be run; got {path}: Exec format error$"
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _SHORT, places, _said)
    path.unlink()
    path.mkdir()  # may be entered, which looks like a program's right
    if by_home:
        with pytest.raises(EnvironmentFault, match=rf"; got {path}: Permission denied$"):
            bring_up("flink", _SHORT, places, _said)


def test_java_that_does_not_answer_is_a_fault(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rankbeam.pipeline.engines.java._ANSWER_TIMEOUT_S", 0.2)
    path = program(tmp_path / "bin", "java", "exec sleep 60")
    message = rf"^java must be a program that can be run; got {path}: no version within 0\.2 s$"
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _SHORT, places, _said)


def test_maven_that_is_no_program_is_not_blamed_on_the_cache(
    places: Places, tmp_path: Path
) -> None:
    path = program(tmp_path / "bin", "mvn")
    path.write_bytes(b"\x00\x01 no program")
    message = rf"^mvn must be a program that can be run; got {path}: Exec format error$"
    with pytest.raises(EnvironmentFault, match=message):
        fetch_jars("flink", places, _said)


@pytest.mark.parametrize("version", ["11.0.2", "21.0.9"])
def test_java_is_found_by_its_version(places: Places, tmp_path: Path, version: str) -> None:
    path = program(tmp_path / "bin", "java", f"echo 'openjdk version \"{version}\"' >&2")
    assert find_java() == str(path)


def test_up_asks_for_maven_where_jars_are_missing(
    places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / "bin", "java", VERSION_17)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    said: list[str] = []
    with pytest.raises(EnvironmentFault, match=r"^mvn must be installed to fetch an engine's jars"):
        bring_up("flink", _SHORT, places, said.append)
    assert said[0].startswith("fetching the jars of flink with Maven into ")


def test_fetch_tells_mavens_errors_and_leaves_nothing(places: Places, tmp_path: Path) -> None:
    program(tmp_path / "bin", "mvn", "echo '[INFO] a'", "echo '[ERROR] no such jar'", "exit 1")
    message = r"(?s)^Maven must fetch the jars of .*flink/pom\.xml; got exit code 1:\n\[ERROR\] no"
    with pytest.raises(EnvironmentFault, match=message):
        fetch_jars("flink", places, _said)
    assert not have_jars("flink", places)
    assert [path.suffix for path in (places.cache / "engines").iterdir()] == [".lock"]


def test_fetch_tells_the_cause_that_maven_keeps_to_its_debug_log(
    places: Places, tmp_path: Path
) -> None:
    """As Maven 3.9 words it, with what tells of Maven only."""
    said = [
        "[ERROR] Plugin p could not be resolved:",
        "[ERROR] \tCould not transfer artifact p from/to x: transfer failed for u",
        "[ERROR] -> [Help 1]",
        "org.apache.maven.plugin.PluginResolutionException: Plugin p",
        "    at org.apache.maven",
        "Caused by: org.apache.maven.wagon.TransferFailedException: transfer failed for u",
        "Caused by: java.net.ConnectException: Connection refused",
        "[ERROR] ",
        "[ERROR] Re-run Maven using the -X switch to enable full debug logging.",
    ]
    needs_debug = 'case "$*" in *-X*) ;; *) exit 2;; esac'
    program(tmp_path / "bin", "mvn", needs_debug, *(f"echo '{line}'" for line in said), "exit 1")
    told = (
        r"exit code 1:\n\[ERROR\] Plugin p could not be resolved:\n\[ERROR\] \tCould not .* for u "
        r"\(Caused by: java\.net\.ConnectException: Connection refused\)$"
    )
    with pytest.raises(EnvironmentFault, match=told):
        fetch_jars("flink", places, _said)


@pytest.mark.usefixtures("jars")
def test_fetch_is_done_once(places: Places) -> None:
    assert have_jars("flink", places)
    said: list[str] = []
    folder = fetch_jars("flink", places, said.append)  # there is no mvn any more
    assert (said, [path.name for path in folder.iterdir()]) == ([], ["a.jar"])


def test_down_ends_what_a_killed_command_left(places: Places, tmp_path: Path) -> None:
    folder = places.engine("spark")
    # Killed between the start of its process and the note of it.
    start_marked(["sleep", "60"], str(folder), tmp_path / "log")
    how = status("spark", places)
    assert (how.fault, how.processes) == ("its state is lost, its processes run", 1)
    assert bring_down("spark", places) == 1
    assert status("spark", places).fault == "not started"
    assert bring_down("spark", places) == 0


def test_status_tells_which_process_ended(places: Places, tmp_path: Path) -> None:
    folder = places.engine("flink")
    pid = start_marked(["sleep", "60"], str(folder), tmp_path / "log")
    members = (Member("job-manager", pid, "/a"), Member("job-server", 1, "/b"))
    write_state(folder, EngineState("flink", "v", 18399, 1, 2, 0.0, ready=True, members=members))
    # Process 1 lives, but is none of this engine's.
    assert status("flink", places).fault == "job-server ended"


def test_poms_name_the_versions_that_were_measured() -> None:
    for kind, words in (
        ("flink", ("beam-runners-flink-1.19", "2.62.0")),
        ("spark", ("beam-runners-spark-3", "2.50.0", "3.5.1", "2.15.2")),
    ):
        text = pom_of(kind).read_text()  # type: ignore[arg-type]
        assert all(word in text for word in words)
