"""Engines for tests: this machine's Flink and Spark, as `rankbeam engine` starts them."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from rankbeam.pipeline.engines.jars import fetch_jars, have_jars
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.transform.errors import EnvironmentFault
from tests.e2e.command import rankbeam

# What Maven's transport says of a host that it cannot reach, or a proxy of one it cannot. A jar or
# a plugin that is not there, a pom that cannot be read and a full disk are none of these.
_UNREACHABLE = re.compile(
    r"Could not transfer (?:artifact|metadata) .*(?:Unknown host|Connection (?:refused|timed out)|"
    r"[Cc]onnect timed out|Network is unreachable|No route to host|[Ss]tatus code:? 50[234])"
)


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def listens(address: str) -> bool:
    """Whether something listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0):
            return True
    except OSError:
        return False


@contextmanager
def engine(kind: EngineKind, state: Path, *options: object) -> Iterator[None]:
    """`kind` up for a block, with its state below `state`; runs within find it.

    Skips where `require` does; all else must work.
    """
    with mock.patch.dict(os.environ, {"RANKBEAM_STATE_DIR": str(state)}):
        require(kind, Places.of_user())
        try:
            up = rankbeam("engine", "up", kind, "--port", free_port(), *options)
            assert (up.code, up.err) == (0, "")
            yield
        finally:
            down = rankbeam("engine", "down", kind)
            assert down.code == 0


def require(kind: EngineKind, places: Places) -> None:
    """Skip the test where this machine has no Java or Maven, or cannot reach Maven's registry.

    Asked of the machine itself, not of the code under test: a wrong pom or a Java that is not
    found though it is there must not pass for an absent one.

    Raises:
        EnvironmentFault: The jars, or a Java that runs them, are not to be had for another reason.
    """
    require_jars(kind, have_jars(kind, places), lambda: fetch_jars(kind, places, lambda _: None))


def require_jars(name: str, are_there: bool, fetch: Callable[[], object]) -> None:
    """Skip as `require` does, where jars cannot be fetched.

    Args:
        name: Whose jars, for the skip's reason.
        are_there: Whether they were fetched before.
        fetch: Fetches them.

    Raises:
        EnvironmentFault: See `require`.
    """
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None:
        pytest.skip(f"no {name} here: there is no java")
    find_java()
    if not are_there and shutil.which("mvn") is None:
        pytest.skip(f"no {name} here: there is no mvn to fetch it")
    try:
        fetch()
    except EnvironmentFault as fault:
        if _UNREACHABLE.search(str(fault)) is None:
            raise
        pytest.skip(f"no {name} here: {fault}")


def beam_section(kind: EngineKind) -> Mapping[str, object]:
    """A `beam` section that leaves the Evaluator to Beam's own runner."""
    return {"runner": kind, "nodes": {"Evaluator": {"runner": "direct"}}}
