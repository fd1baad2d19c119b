"""Several models by name, version and label; reloaded while they serve. On real models."""

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tensorflow_serving.apis import model_pb2

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.policy import All
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.engine.registered import polled, spec_of, states_of, version_of


def test_registry_serves_models_by_name_and_version(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("ads", ads, All()), ModelSettings("shop", shop))
    assert registry.names() == ("ads", "shop")
    found = [
        version_of(registry, spec) for spec in (spec_of("ads"), spec_of("ads", 1), spec_of("shop"))
    ]
    assert found == [2, 1, 7]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (spec_of(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),
        (spec_of("nope"), "NOT_FOUND: Servable not found for request: Latest(nope)"),
        (spec_of("nope", 3), "NOT_FOUND: Servable not found for request: Specific(nope, 3)"),
        (spec_of("ads", 3), "NOT_FOUND: Servable not found for request: Specific(ads, 3)"),
        (spec_of("ads", 0), "NOT_FOUND: Servable not found for request: Specific(ads, 0)"),
        (spec_of("ads", label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
        (spec_of("nope", label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
        (spec_of("ads", label=""), "INVALID_ARGUMENT: Unrecognized servable version label: "),
    ],
)
def test_registry_refuses_in_tensorflow_servings_words(
    ads: Path, spec: model_pb2.ModelSpec, message: str
) -> None:
    registry = polled(ModelSettings("ads", ads))
    with pytest.raises(Refusal) as raised, registry.use(spec):
        pass
    assert str(raised.value) == message


def test_registry_asks_for_patience_until_it_has_looked_once(ads: Path, tmp_path: Path) -> None:
    during: list[str] = []

    def refused(name: str) -> str:
        with pytest.raises(Refusal, match=name) as raised, registry.use(spec_of(name)):
            pass
        return str(raised.value)

    def load(name: str, version: int, path: Path) -> Servable:
        during.append(refused("ads"))
        return load_servable(name, version, path)

    empty = tmp_path / "empty"
    empty.mkdir()
    registry = ModelRegistry([ModelSettings("ads", ads), ModelSettings("none", empty)], load=load)
    patience = "UNAVAILABLE: Model {} is not loaded yet: the server has just started"
    assert refused("none") == patience.format("none")
    assert refused("nope") == "NOT_FOUND: Servable not found for request: Latest(nope)"
    registry.poll()
    assert during == [patience.format("ads")]
    assert version_of(registry, spec_of("ads")) == 2
    assert refused("none") == "NOT_FOUND: Servable not found for request: Latest(none)"


def test_registry_releases_what_was_used_where_the_user_fails(ads: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    used: list[Servable] = []

    def fail() -> None:
        with registry.use(spec_of("ads")) as servable:
            used.append(servable)
            assert servable.in_use
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    assert not used[0].in_use


def test_registry_poll_goes_on_past_a_base_path_that_cannot_be_read(
    ads: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    registry = ModelRegistry([ModelSettings("odd", tmp_path / "file"), ModelSettings("ads", ads)])
    for _ in range(2):
        registry.poll()
    assert version_of(registry, spec_of("ads")) == 2
    assert caplog.text.count("cannot read") == 1


def test_registry_refusals_of_unknown_states(ads: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    for spec, message in (
        (spec_of("nope"), "NOT_FOUND: Could not find any versions of model nope"),
        (spec_of("nope", 3), "NOT_FOUND: Could not find version 3 of model nope"),
        (spec_of("ads", 3), "NOT_FOUND: Could not find version 3 of model ads"),
    ):
        with pytest.raises(Refusal) as raised:
            registry.statuses(spec)
        assert str(raised.value) == message
    assert [row.version for row in registry.statuses(spec_of("ads", 2))] == [2]
    assert registry.all_statuses("nope") == []


def test_registry_swaps_under_load_without_one_failure(ads: Path, biased_model: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    request = tiny_models.predict_request(tiny_models.examples())
    stop = threading.Event()

    def ask() -> set[int]:
        seen = set()
        while not stop.is_set():
            with registry.use(spec_of("ads")) as servable:
                signature = servable.signature("")
                signature.call(signature.feeds(request.inputs))
                seen.add(servable.version)
        return seen

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        try:
            for version in range(3, 8):
                shutil.copytree(biased_model, ads / str(version))
                registry.poll()
                shutil.rmtree(ads / str(version - 1))
        finally:
            stop.set()
        seen = set.union(*(future.result() for future in asked))
    assert version_of(registry, spec_of("ads")) == 7
    assert seen <= {2, 3, 4, 5, 6, 7}
    assert len(seen) > 1


class _Watcher:
    def __init__(self) -> None:
        self.loads: list[tuple[str, str]] = []
        self.states: dict[str, Mapping[int, str]] = {}

    def count_load(self, *, model: str, outcome: str) -> None:
        self.loads.append((model, outcome))

    def set_version_states(self, model: str, states: Mapping[int, str]) -> None:
        self.states[model] = dict(states)


def test_registry_tells_its_watcher_of_loads_and_states(ads: Path, tmp_path: Path) -> None:
    (tmp_path / "bad" / "4").mkdir(parents=True)
    watcher = _Watcher()
    models = [ModelSettings("ads", ads), ModelSettings("bad", tmp_path / "bad")]
    registry = ModelRegistry(models, watcher=watcher)
    registry.poll()
    assert watcher.loads == [("ads", "ok"), ("bad", "NOT_FOUND")]
    assert watcher.states == {"ads": {2: "AVAILABLE"}, "bad": {4: "END"}}
    registry.close()
    assert states_of(registry, "ads") == {2: "END"}
    assert watcher.states["ads"] == {2: "END"}


def test_registry_closed_serves_nothing(ads: Path) -> None:
    loaded: list[Servable] = []

    def load(name: str, version: int, path: Path) -> Servable:
        loaded.append(load_servable(name, version, path))
        return loaded[-1]

    registry = ModelRegistry([ModelSettings("ads", ads)], load=load)
    registry.poll()
    registry.close()
    assert registry.names() == ()
    assert not loaded[0].acquire()
