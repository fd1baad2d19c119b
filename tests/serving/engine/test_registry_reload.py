"""Labels that move, and lists of models that replace each other, while they serve."""

import shutil
from pathlib import Path

import pytest

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.policy import All, Specific
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.status import Refusal
from rankbeam.transform.errors import ConfigError
from tests.serving.engine.registered import polled, spec_of, states_of, version_of


def test_registry_labels_move_at_a_reload(ads: Path) -> None:
    registry = polled(ModelSettings("ads", ads, All()))
    seen = []
    for labels in ({"stable": 1, "canary": 2}, {"stable": 2, "canary": 2}):
        registry.reload([ModelSettings("ads", ads, All(), labels)])
        found = (
            version_of(registry, spec_of("ads", label=label)) for label in ("stable", "canary")
        )
        seen.append(tuple(found))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("version", [2, 3])
def test_registry_label_must_name_a_version_that_serves(ads: Path, version: int) -> None:
    before = ModelSettings("ads", ads, Specific(frozenset({1})))
    registry = polled(before)
    with pytest.raises(
        Refusal,
        match=f"FAILED_PRECONDITION: Request to assign label to version {version} of model ads, "
        "which is not currently available for inference",
    ):
        registry.reload([ModelSettings("ads", ads, All(), {"stable": version})])
    assert registry.settings() == (before,)
    assert version_of(registry, spec_of("ads")) == 1


def test_registry_labels_at_the_start_need_the_permission(ads: Path) -> None:
    model = ModelSettings("ads", ads, All(), {"stable": 1})
    with pytest.raises(ConfigError, match="allow_version_labels_for_unavailable_models permits"):
        ModelRegistry([model])
    registry = ModelRegistry([model], labels_for_unavailable=True)
    registry.poll()
    assert version_of(registry, spec_of("ads", label="stable")) == 1


def test_registry_label_moves_to_a_version_that_serves_even_with_the_permission(ads: Path) -> None:
    registry = ModelRegistry(
        [ModelSettings("ads", ads, All(), {"stable": 1})], labels_for_unavailable=True
    )
    registry.poll()
    with pytest.raises(Refusal, match="Request to assign label to version 9"):
        registry.reload([ModelSettings("ads", ads, All(), {"stable": 9})])
    registry.reload([ModelSettings("ads", ads, All(), {"stable": 2, "next": 9})])
    assert version_of(registry, spec_of("ads", label="stable")) == 2


def test_registry_reload_adds_and_unloads_models(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    registry.reload([ModelSettings("shop", shop)])
    assert registry.names() == ("shop",)
    assert version_of(registry, spec_of("shop")) == 7
    with (
        pytest.raises(Refusal, match=r"Servable not found for request: Latest\(ads\)"),
        registry.use(spec_of("ads")),
    ):
        pass
    # As TensorFlow Serving, the state of what was unloaded can still be asked for.
    assert states_of(registry, "ads") == {2: "END"}
    registry.reload([ModelSettings("ads", ads)])
    assert states_of(registry, "ads") == {2: "AVAILABLE"}


def test_registry_reload_does_not_close_what_is_in_use(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    with registry.use(spec_of("ads")) as servable:
        registry.reload([ModelSettings("shop", shop)])
        assert states_of(registry, "ads") == {2: "UNLOADING"}
        assert servable.signature("parsed_examples").call({})["count"] == 0
    assert states_of(registry, "ads") == {2: "END"}
    assert not servable.acquire()


def test_registry_reload_follows_policy_and_base_path(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("m", ads))
    registry.reload([ModelSettings("m", ads, Specific(frozenset({1})))])
    assert states_of(registry, "m") == {2: "END", 1: "AVAILABLE"}
    registry.reload([ModelSettings("m", shop)])
    assert version_of(registry, spec_of("m")) == 7


def test_registry_reload_keeps_the_servables_of_models_that_stay(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    with registry.use(spec_of("ads")) as before:
        pass
    registry.reload([ModelSettings("shop", shop), ModelSettings("ads", ads, All())])
    with registry.use(spec_of("ads")) as after:
        assert after is before


def test_registry_reload_with_a_name_twice_changes_nothing(ads: Path, shop: Path) -> None:
    registry = polled(ModelSettings("ads", ads))
    with pytest.raises(
        Refusal,
        match="INVALID_ARGUMENT: Illegal to list model shop multiple times in config list",
    ):
        registry.reload([ModelSettings("shop", shop), ModelSettings("shop", shop)])
    assert registry.names() == ("ads",)


def test_registry_reload_says_why_a_new_model_does_not_serve(ads: Path, tmp_path: Path) -> None:
    (tmp_path / "bad" / "4").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    registry = polled(ModelSettings("ads", ads))
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
    assert (version_of(registry, spec_of("ads")), version_of(registry, spec_of("none"))) == (2, 1)
