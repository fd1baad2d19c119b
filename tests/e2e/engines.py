"""Engines for tests: this machine's Flink and Spark, as `rankbeam engine` starts them."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from rankbeam.pipeline.engines.jars import fetch_jars
from rankbeam.pipeline.engines.java import find_java
from rankbeam.pipeline.engines.places import EngineKind, Places
from rankbeam.transform.errors import EnvironmentFault
from tests.e2e.command import rankbeam


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def engine(kind: EngineKind, state: Path, *options: object) -> Iterator[None]:
    """`kind` up for a block, with its state below `state`; runs within find it.

    Skips where there is no Java, or Maven cannot fetch the jars; all else must work.
    """
    with mock.patch.dict(os.environ, {"RANKBEAM_STATE_DIR": str(state)}):
        try:
            find_java()
            fetch_jars(kind, Places.of_user(), lambda _: None)
        except EnvironmentFault as fault:
            pytest.skip(f"no {kind} here: {fault}")
        try:
            up = rankbeam("engine", "up", kind, "--port", free_port(), *options)
            assert (up.code, up.err) == (0, "")
            yield
        finally:
            down = rankbeam("engine", "down", kind)
            assert down.code == 0


def beam_section(kind: EngineKind) -> Mapping[str, object]:
    """A `beam` section that leaves the Evaluator to Beam's own runner."""
    return {"runner": kind, "nodes": {"Evaluator": {"runner": "direct"}}}
