"""An engine's state on disk, whole or absent."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import Places
from rankbeam.pipeline.engines.state import (
    STATE_FILE,
    EngineState,
    Member,
    forget_state,
    read_state,
    write_state,
)

_STATE = EngineState(
    kind="flink",
    version="Flink 1, Beam 2",
    port=8099,
    slots=4,
    task_managers=2,
    started_at=1.5,
    web_port=8081,
)


def test_state_comes_back_as_written(tmp_path: Path) -> None:
    state = _STATE.with_member(Member("job-manager", 1, "/a")).with_member(Member("x", 2, "/b"))
    write_state(tmp_path / "new", state)
    assert read_state(tmp_path / "new") == state
    assert [path.name for path in (tmp_path / "new").iterdir()] == [STATE_FILE]


def test_options_come_back_as_written(tmp_path: Path) -> None:
    options = EngineOptions(
        slots=2, memory_mb=700, port=8099, task_managers=2, web_port=8081, settings=(("a", "b=c"),)
    )
    write_state(tmp_path, replace(_STATE, options=options))
    assert read_state(tmp_path) == replace(_STATE, options=options)


def test_state_of_the_version_before_is_read(tmp_path: Path) -> None:
    """A file as `rankbeam engine up flink --slots 1 --memory 512 --port 18499` wrote it."""
    (tmp_path / STATE_FILE).write_text("""{
      "kind": "flink",
      "version": "Flink 1.19.0, Beam 2.62.0",
      "port": 18499,
      "slots": 1,
      "task_managers": 0,
      "started_at": 1795316100.5,
      "ready": true,
      "web_port": null,
      "members": [{"name": "job-server", "pid": 4242, "log": "/state/job-server.log"}]
    }""")
    assert read_state(tmp_path) == EngineState(
        kind="flink",
        version="Flink 1.19.0, Beam 2.62.0",
        port=18499,
        slots=1,
        task_managers=0,
        started_at=1795316100.5,
        ready=True,
        members=(Member("job-server", 4242, "/state/job-server.log"),),
    )


@pytest.mark.parametrize("options", [{"slots": 0, "settings": []}, {"color": 1, "settings": []}, 3])
def test_state_with_options_that_are_none_is_no_state(tmp_path: Path, options: object) -> None:
    values = {**asdict(_STATE), "options": options}
    (tmp_path / STATE_FILE).write_text(json.dumps(values))
    assert read_state(tmp_path) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"members": [{}]}', '{"members": [], "color": 1}']
)
def test_state_that_is_none_is_no_state(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_FILE).write_text(text)
    assert read_state(tmp_path) is None


def test_state_that_is_forgotten_is_gone(tmp_path: Path) -> None:
    write_state(tmp_path, _STATE)
    forget_state(tmp_path)
    forget_state(tmp_path)
    assert read_state(tmp_path) is None


def test_places_follow_flags_then_own_variables_then_xdg(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("RANKBEAM_CACHE_DIR", "RANKBEAM_STATE_DIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/users/anna")
    assert Places.of_user() == Places(
        Path("/users/anna/.cache/rankbeam"), Path("/users/anna/.local/state/rankbeam")
    )
    monkeypatch.setenv("XDG_CACHE_HOME", "/xc")
    monkeypatch.setenv("XDG_STATE_HOME", "/xs")
    assert Places.of_user() == Places(Path("/xc/rankbeam"), Path("/xs/rankbeam"))
    monkeypatch.setenv("RANKBEAM_CACHE_DIR", "/c")
    monkeypatch.setenv("RANKBEAM_STATE_DIR", "/s")
    assert Places.of_user() == Places(Path("/c"), Path("/s"))
    assert Places.of_user(cache=tmp_path) == Places(tmp_path, Path("/s"))
