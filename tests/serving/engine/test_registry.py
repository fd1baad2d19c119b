"""Several models by name, version and label; reloaded while they serve. On real models."""

import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tensorflow_serving.apis import model_pb2

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.policy import All, Specific
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.status import Refusal
from rankbeam.transform.errors import ConfigError
from tests.serving import tiny_models


@pytest.fixture
def ads(tmp_path: Path, saved_model: Path) -> Path:
    """Versions 1 and 2 of a model."""
    for version in (1, 2):
        shutil.copytree(saved_model, tmp_path / "ads" / str(version))
    return tmp_path / "ads"


@pytest.fixture
def shop(tmp_path: Path, biased_model: Path) -> Path:
    """Version 7 of another model."""
    shutil.copytree(biased_model, tmp_path / "shop" / "7")
    return tmp_path / "shop"


def _spec(name: str, version: int | None = None, label: str | None = None) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=name)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


def _version(registry: ModelRegistry, spec: model_pb2.ModelSpec) -> int:
    with registry.use(spec) as servable:
        return servable.version


def _states(registry: ModelRegistry, name: str) -> dict[int, str]:
    return {row.version: row.state.name for row in registry.statuses(_spec(name))}


def _polled(*models: ModelSettings) -> ModelRegistry:
    registry = ModelRegistry(models)
    registry.poll()
    return registry


def test_registry_serves_models_by_name_and_version(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("ads", ads, All()), ModelSettings("shop", shop))
    assert registry.names() == ("ads", "shop")
    found = [_version(registry, spec) for spec in (_spec("ads"), _spec("ads", 1), _spec("shop"))]
    assert found == [2, 1, 7]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (_spec(""), "INVALID_ARGUMENT: ModelSpec has no name specified."),
        (_spec("nope"), "NOT_FOUND: Servable not found for request: Latest(nope)"),
        (_spec("nope", 3), "NOT_FOUND: Servable not found for request: Specific(nope, 3)"),
        (_spec("ads", 3), "NOT_FOUND: Servable not found for request: Specific(ads, 3)"),
        (_spec("ads", 0), "NOT_FOUND: Servable not found for request: Specific(ads, 0)"),
        (_spec("ads", label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
        (_spec("nope", label="x"), "INVALID_ARGUMENT: Unrecognized servable version label: x"),
        (_spec("ads", label=""), "INVALID_ARGUMENT: Unrecognized servable version label: "),
    ],
)
def test_registry_refuses_in_tensorflow_servings_words(
    ads: Path, spec: model_pb2.ModelSpec, message: str
) -> None:
    registry = _polled(ModelSettings("ads", ads))
    with pytest.raises(Refusal) as raised, registry.use(spec):
        pass
    assert str(raised.value) == message


def test_registry_labels_move_at_a_reload(ads: Path) -> None:
    registry = _polled(ModelSettings("ads", ads, All()))
    seen = []
    for labels in ({"stable": 1, "canary": 2}, {"stable": 2, "canary": 2}):
        registry.reload([ModelSettings("ads", ads, All(), labels)])
        found = (_version(registry, _spec("ads", label=label)) for label in ("stable", "canary"))
        seen.append(tuple(found))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("version", [2, 3])
def test_registry_label_must_name_a_version_that_serves(ads: Path, version: int) -> None:
    before = ModelSettings("ads", ads, Specific(frozenset({1})))
    registry = _polled(before)
    with pytest.raises(
        Refusal,
        match=f"FAILED_PRECONDITION: Request to assign label to version {version} of model ads, "
        "which is not currently available for inference",
    ):
        registry.reload([ModelSettings("ads", ads, All(), {"stable": version})])
    assert registry.settings() == (before,)
    assert _version(registry, _spec("ads")) == 1


def test_registry_labels_at_the_start_need_the_permission(ads: Path) -> None:
    model = ModelSettings("ads", ads, All(), {"stable": 1})
    with pytest.raises(ConfigError, match="allow_version_labels_for_unavailable_models permits"):
        ModelRegistry([model])
    registry = ModelRegistry([model], labels_for_unavailable=True)
    with (
        pytest.raises(Refusal, match=r"Servable not found for request: Specific\(ads, 1\)"),
        registry.use(_spec("ads", label="stable")),
    ):
        pass
    registry.poll()
    assert _version(registry, _spec("ads", label="stable")) == 1


def test_registry_label_moves_to_a_version_that_serves_even_with_the_permission(ads: Path) -> None:
    registry = ModelRegistry(
        [ModelSettings("ads", ads, All(), {"stable": 1})], labels_for_unavailable=True
    )
    registry.poll()
    with pytest.raises(Refusal, match="Request to assign label to version 9"):
        registry.reload([ModelSettings("ads", ads, All(), {"stable": 9})])
    registry.reload([ModelSettings("ads", ads, All(), {"stable": 2, "next": 9})])
    assert _version(registry, _spec("ads", label="stable")) == 2


def test_registry_reload_adds_and_unloads_models(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    registry.reload([ModelSettings("shop", shop)])
    assert registry.names() == ("shop",)
    assert _version(registry, _spec("shop")) == 7
    with (
        pytest.raises(Refusal, match=r"Servable not found for request: Latest\(ads\)"),
        registry.use(_spec("ads")),
    ):
        pass
    # As TensorFlow Serving, the state of what was unloaded can still be asked for.
    assert _states(registry, "ads") == {2: "END"}
    registry.reload([ModelSettings("ads", ads)])
    assert _states(registry, "ads") == {2: "AVAILABLE"}


def test_registry_reload_does_not_close_what_is_in_use(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    with registry.use(_spec("ads")) as servable:
        registry.reload([ModelSettings("shop", shop)])
        assert _states(registry, "ads") == {2: "UNLOADING"}
        assert servable.signature("parsed_examples").call({})["count"] == 0
    assert _states(registry, "ads") == {2: "END"}
    assert not servable.acquire()


def test_registry_releases_what_was_used_where_the_user_fails(ads: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    used: list[Servable] = []

    def fail() -> None:
        with registry.use(_spec("ads")) as servable:
            used.append(servable)
            assert servable.in_use
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fail()
    assert not used[0].in_use


def test_registry_reload_follows_policy_and_base_path(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("m", ads))
    registry.reload([ModelSettings("m", ads, Specific(frozenset({1})))])
    assert _states(registry, "m") == {2: "END", 1: "AVAILABLE"}
    registry.reload([ModelSettings("m", shop)])
    assert _version(registry, _spec("m")) == 7


def test_registry_reload_keeps_the_servables_of_models_that_stay(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    with registry.use(_spec("ads")) as before:
        pass
    registry.reload([ModelSettings("shop", shop), ModelSettings("ads", ads, All())])
    with registry.use(_spec("ads")) as after:
        assert after is before


def test_registry_reload_with_a_name_twice_changes_nothing(ads: Path, shop: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    with pytest.raises(
        Refusal,
        match="INVALID_ARGUMENT: Illegal to list model shop multiple times in config list",
    ):
        registry.reload([ModelSettings("shop", shop), ModelSettings("shop", shop)])
    assert registry.names() == ("ads",)


def test_registry_reload_says_why_a_new_model_does_not_serve(ads: Path, tmp_path: Path) -> None:
    (tmp_path / "bad" / "4").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    registry = _polled(ModelSettings("ads", ads))
    with pytest.raises(Refusal) as raised:
        registry.reload(
            [
                ModelSettings("ads", ads),
                ModelSettings("bad", tmp_path / "bad"),
                ModelSettings("none", tmp_path / "none"),
            ]
        )
    message = str(raised.value)
    assert message.startswith(
        "UNKNOWN: 2 model(s) did not become available: {{{name: bad version: 4}"
    )
    assert "due to error: NOT_FOUND: Could not find SavedModel .pb" in message
    assert "{Latest(none) due to error: NOT_FOUND: " in message
    # As in TensorFlow Serving the new list is in force: a good version that comes later serves.
    shutil.copytree(ads / "1", tmp_path / "none" / "1")
    registry.poll()
    assert (_version(registry, _spec("ads")), _version(registry, _spec("none"))) == (2, 1)


def test_registry_poll_goes_on_past_a_base_path_that_cannot_be_read(
    ads: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    registry = ModelRegistry([ModelSettings("odd", tmp_path / "file"), ModelSettings("ads", ads)])
    for _ in range(2):
        registry.poll()
    assert _version(registry, _spec("ads")) == 2
    assert caplog.text.count("cannot read") == 1


def test_registry_refusals_of_unknown_states(ads: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    for spec, message in (
        (_spec("nope"), "NOT_FOUND: Could not find any versions of model nope"),
        (_spec("nope", 3), "NOT_FOUND: Could not find version 3 of model nope"),
        (_spec("ads", 3), "NOT_FOUND: Could not find version 3 of model ads"),
    ):
        with pytest.raises(Refusal) as raised:
            registry.statuses(spec)
        assert str(raised.value) == message
    assert [row.version for row in registry.statuses(_spec("ads", 2))] == [2]
    assert registry.all_statuses("nope") == []


def test_registry_swaps_under_load_without_one_failure(ads: Path, biased_model: Path) -> None:
    registry = _polled(ModelSettings("ads", ads))
    request = tiny_models.predict_request(tiny_models.examples())
    stop = threading.Event()

    def ask() -> set[int]:
        seen = set()
        while not stop.is_set():
            with registry.use(_spec("ads")) as servable:
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
    assert _version(registry, _spec("ads")) == 7
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
    assert _states(registry, "ads") == {2: "END"}
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
