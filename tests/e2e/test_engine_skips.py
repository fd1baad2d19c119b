"""Tests of engines are skipped for what a machine lacks; what the project has wrong fails."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rankbeam.pipeline.engines import jars
from rankbeam.pipeline.engines.places import Places
from rankbeam.transform.errors import EnvironmentFault
from tests.e2e.engines import free_port, require
from tests.pipeline.engines.programs import VERSION_17, program

# From the machine's own PATH, before a test has one of its own.
_MAVEN, _JAVA = shutil.which("mvn"), shutil.which("java")

needs_maven = pytest.mark.skipif(
    _MAVEN is None or _JAVA is None, reason="java or mvn is not installed"
)


class _Empty(BaseHTTPRequestHandler):
    """A registry that holds nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders without jars."""
    return Places(tmp_path / "cache", tmp_path / "state")


@pytest.fixture
def empty_registry() -> Iterator[int]:
    """The port of a registry that holds nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Empty) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def _programs(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """A PATH with these alone; `java` is one that says it is 17."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    for name in names:
        program(folder, name, VERSION_17)


def _registry(monkeypatch: pytest.MonkeyPatch, home: Path, port: int) -> None:
    """Maven in a home of its own, with nothing but a registry at a port of this machine."""
    mirror = f"<id>x</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:{port}/</url>"
    (home / ".m2").mkdir(parents=True)
    (home / ".m2" / "settings.xml").write_text(
        f"<settings><mirrors><mirror>{mirror}</mirror></mirrors></settings>", encoding="utf-8"
    )
    monkeypatch.setenv("MAVEN_OPTS", f"-Duser.home={home}")


def test_without_java_tests_are_skipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places
) -> None:
    _programs(monkeypatch, tmp_path / "bin")
    with pytest.raises(pytest.skip.Exception, match=r"^no flink here: there is no java$"):
        require("flink", places)


def test_without_maven_tests_are_skipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places
) -> None:
    _programs(monkeypatch, tmp_path / "bin", "java")
    with pytest.raises(pytest.skip.Exception, match=r"^no spark here: there is no mvn to fetch"):
        require("spark", places)


def test_a_java_that_does_not_fit_or_is_told_wrongly_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places
) -> None:
    _programs(monkeypatch, tmp_path / "bin")
    program(tmp_path / "bin", "java", "echo no version")
    with pytest.raises(EnvironmentFault, match=r"^java must be of version 11 to 21; got .*java: "):
        require("flink", places)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EnvironmentFault, match=r"^java must be installed .*got JAVA_HOME="):
        require("flink", places)


@needs_maven
@pytest.mark.slow
def test_a_registry_out_of_reach_skips(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places
) -> None:
    _registry(monkeypatch, tmp_path / "home", free_port())
    with pytest.raises(
        pytest.skip.Exception, match=r"(?s)^no flink here: Maven must fetch .*refus"
    ):
        require("flink", places)


@needs_maven
@pytest.mark.slow
def test_a_registry_without_a_jar_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places, empty_registry: int
) -> None:
    _registry(monkeypatch, tmp_path / "home", empty_registry)
    with pytest.raises(EnvironmentFault, match=r"(?s)^Maven must fetch .*Could not find artifact"):
        require("flink", places)


@needs_maven
@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [("<project><dep", "Non-readable POM"), ("<project></project>", "'modelVersion' is missing")],
    ids=["torn", "bare"],
)
def test_a_broken_pom_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, places: Places, text: str, message: str
) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text(text, encoding="utf-8")
    monkeypatch.setattr(jars, "pom_of", lambda _: pom)
    with pytest.raises(EnvironmentFault, match=rf"(?s)^Maven must fetch .*{message}"):
        require("flink", places)


def test_a_cache_that_cannot_be_written_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _programs(monkeypatch, tmp_path / "bin", "java", "mvn")
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"^the cache folder must be writable; got .*file"):
        require("flink", Places(tmp_path / "file", tmp_path / "state"))
