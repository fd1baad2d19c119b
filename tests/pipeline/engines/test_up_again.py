"""`up` where an engine is up: it stays as it is, or every option that differs is named."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from rankbeam.pipeline.engines.lifecycle import bring_down, bring_up, status
from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import Places
from rankbeam.pipeline.engines.processes import start_marked
from rankbeam.pipeline.engines.state import STATE_FILE, EngineState, Member, write_state
from rankbeam.transform.errors import EnvironmentFault
from tests.pipeline.beam.services import job_service

_OPTIONS = EngineOptions(
    slots=1, memory_mb=2048, port=1, task_managers=2, web_port=18081, settings=(("a", "b"),)
)
_OTHER: Mapping[str, Any] = {
    "slots": 3,
    "memory_mb": 4096,
    "port": 2,
    "task_managers": 1,
    "web_port": 18082,
    "settings": (("a", "c"),),
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Folders of this test's own, on a machine without Java: nothing can be started anew."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    here = Places(tmp_path / "cache", tmp_path / "state")
    yield here
    bring_down("flink", here)


@pytest.fixture
def up(places: Places, tmp_path: Path) -> Iterator[EngineState]:
    """An engine with `_OPTIONS` but for its port, whose job service is this process's."""
    folder = places.engine("flink")
    with job_service() as endpoint:
        port = int(endpoint.rpartition(":")[2])
        pid = start_marked(["sleep", "60"], str(folder), tmp_path / "log")
        state = EngineState(
            kind="flink",
            version="Flink 1, Beam 2",
            port=port,
            slots=2,
            task_managers=2,
            started_at=time.time(),
            ready=True,
            members=(Member("job-server", pid, str(tmp_path / "log")),),
            options=replace(_OPTIONS, port=port),
        )
        write_state(folder, state)
        yield state


def _asked(state: EngineState) -> EngineOptions:
    assert state.options is not None
    return state.options


def _silent(_: str) -> None:
    raise AssertionError("nothing is fetched for an engine that is up")


def test_up_as_asked_stays_as_it_is(places: Places, up: EngineState) -> None:
    assert bring_up("flink", _asked(up), places, _silent) == up
    # How long the command would have waited is no matter of the engine's.
    assert bring_up("flink", replace(_asked(up), timeout_s=1.0), places, _silent) == up


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("slots", r"--slots 3 \(it runs with 1\)"),
        ("memory_mb", r"--memory 4096 \(it runs with 2048\)"),
        ("port", r"--port 2 \(it runs with \d+\)"),
        ("task_managers", r"--task-managers 1 \(it runs with 2\)"),
        ("web_port", r"--web-port 18082 \(it runs with 18081\)"),
        ("settings", r"--setting a=c \(it runs with a=b\)"),
    ],
)
def test_up_otherwise_names_the_option_and_what_to_do(
    places: Places, up: EngineState, name: str, told: str
) -> None:
    message = (
        rf"^flink must be down to be started otherwise than the one at {up.endpoint}; got {told} "
        r"\(rankbeam engine down flink, then up again\)$"
    )
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", replace(_asked(up), **{name: _OTHER[name]}), places, _silent)
    assert status("flink", places).state == up


def test_up_names_all_that_differs(places: Places, up: EngineState) -> None:
    asked = replace(_asked(up), memory_mb=1024, settings=())
    told = r"--memory 1024 \(it runs with 2048\), --setting none \(it runs with a=b\) \(rank"
    with pytest.raises(EnvironmentFault, match=told):
        bring_up("flink", asked, places, _silent)


def test_every_option_but_the_time_to_wait_is_compared() -> None:
    names = {field.name for field in fields(EngineOptions)}
    assert names == {*_OTHER, "timeout_s"}


def test_defaults_are_what_they_stand_for() -> None:
    plain = EngineOptions(slots=1, task_managers=1)
    assert replace(plain, web_port=8081).by_flag() == plain.by_flag()
    # Of a key that is given twice, Flink gets the last value; their order is no matter.
    twice = replace(plain, settings=(("b", "1"), ("a", "0"), ("a", "2")))
    assert twice.by_flag() == replace(plain, settings=(("a", "2"), ("b", "1"))).by_flag()


def test_engine_of_a_version_that_noted_no_options_is_told(places: Places, up: EngineState) -> None:
    """Its state is read, so that runs use it and `down` ends it; `up` cannot compare."""
    values = asdict(up)
    del values["options"]
    (places.engine("flink") / STATE_FILE).write_text(json.dumps(values))
    how = status("flink", places)
    assert (how.is_up, how.state) == (True, replace(up, options=None))
    message = (
        rf"^flink must be one whose options are known; got the one at {up.endpoint}, which a "
        r"version of Rankbeam started that did not note them "
        r"\(rankbeam engine down flink, then up again\)$"
    )
    with pytest.raises(EnvironmentFault, match=message):
        bring_up("flink", _asked(up), places, _silent)
    assert bring_down("flink", places) == 1
