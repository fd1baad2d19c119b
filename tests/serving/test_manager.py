"""Which versions serve, as folders come, break, heal and go; polled by hand, on real models."""

import shutil
import weakref
from pathlib import Path

import pytest

from rankbeam.serving.manager import VersionManager
from rankbeam.serving.policy import All, Latest, Specific, VersionPolicy
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.managed import add, serving, states
from tests.serving.tiny_models import predict_request


@pytest.fixture
def manager(base_path: Path) -> VersionManager:
    polled = VersionManager("tiny", base_path)
    polled.poll()
    return polled


def _click(servable: Servable) -> object:
    request = predict_request(tiny_models.examples())
    signature = servable.signature("")
    return signature.call(signature.feeds(request.inputs))["click"]


def test_manager_serves_the_highest_version(manager: VersionManager, base_path: Path) -> None:
    assert manager.get().version == 1
    add(base_path, 10, 9)
    manager.poll()
    assert manager.get().version == 10
    # 9 was never wanted, hence never loaded; 1 made way.
    assert states(manager) == {10: "AVAILABLE", 1: "END"}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Latest(2), {3, 4}),
        (All(), {1, 2, 3, 4}),
        (Specific(frozenset({2, 4, 7})), {2, 4}),
    ],
)
def test_manager_serves_several_versions_at_once(
    base_path: Path, policy: VersionPolicy, expected: set[int]
) -> None:
    add(base_path, 2, 3, 4)
    manager = VersionManager("tiny", base_path, policy)
    manager.poll()
    assert serving(manager) == expected
    assert {version: manager.get(version).version for version in expected} == dict(
        zip(expected, expected, strict=True)
    )
    assert manager.get().version == max(expected)


def test_manager_follows_a_changed_policy(manager: VersionManager, base_path: Path) -> None:
    add(base_path, 2, 3)
    seen = []
    for policy in (All(), Specific(frozenset({1, 2})), Latest(1), Specific(frozenset({1}))):
        manager.configure(base_path, policy)
        manager.poll()
        seen.append((serving(manager), manager.get().version))
    assert seen == [({1, 2, 3}, 3), ({1, 2}, 2), ({3}, 3), ({1}, 1)]


def test_manager_keeps_what_it_serves_where_the_policy_names_nothing_on_disk(
    manager: VersionManager, base_path: Path
) -> None:
    manager.configure(base_path, Specific(frozenset({8})))
    manager.poll()
    assert serving(manager) == {1}
    add(base_path, 8)
    manager.poll()
    assert serving(manager) == {8}


def test_manager_follows_a_changed_base_path(
    manager: VersionManager, tmp_path: Path, biased_model: Path
) -> None:
    shutil.copytree(biased_model, tmp_path / "other" / "2")
    manager.configure(tmp_path / "other", Latest(1))
    manager.poll()
    assert manager.get().path == tmp_path / "other" / "2"


def test_manager_closes_a_replaced_version_with_its_last_user(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    held = manager.acquire()
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    shutil.rmtree(base_path / "1")
    manager.poll()
    assert states(manager) == {2: "AVAILABLE", 1: "UNLOADING"}
    assert _click(held) == pytest.approx(tiny_models.oracle()["click"], abs=2e-7)
    held.release()
    assert states(manager) == {2: "AVAILABLE", 1: "END"}
    with pytest.raises(Refusal, match="Session has been closed"):
        _click(held)


def test_manager_frees_a_replaced_version_at_once(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    replaced = weakref.ref(manager.get())
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    assert replaced() is None


def test_manager_acquire_looks_again_where_a_version_was_just_closed(
    manager: VersionManager, base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = manager.get()
    add(base_path, 2)
    manager.poll()
    answers = [stale, manager.get()]
    monkeypatch.setattr(manager, "get", lambda version=None: answers.pop(0))
    assert manager.acquire().version == 2
    assert answers == []


def test_manager_rolls_back_where_the_serving_version_is_deleted(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    shutil.rmtree(base_path / "2")
    manager.poll()
    assert manager.get().version == 1
    assert states(manager) == {1: "AVAILABLE"}


@pytest.mark.parametrize("policy", [Latest(1), All(), Specific(frozenset({1}))])
def test_manager_never_lets_go_of_the_last_version(base_path: Path, policy: VersionPolicy) -> None:
    manager = VersionManager("tiny", base_path, policy)
    manager.poll()
    shutil.rmtree(base_path)
    manager.poll()
    assert manager.get().version == 1
    assert states(manager) == {1: "AVAILABLE"}
    base_path.mkdir()
    manager.poll()
    assert manager.get().version == 1


def test_manager_closed_serves_nothing_and_loads_nothing(
    manager: VersionManager, base_path: Path
) -> None:
    manager.close()
    add(base_path, 2)
    manager.poll()
    with pytest.raises(Refusal, match=r"Servable not found for request: Latest\(tiny\)"):
        manager.get()
    assert serving(manager) == set()


def test_manager_closed_while_it_loads_drops_what_it_loaded(base_path: Path) -> None:
    loaded: list[Servable] = []

    def load(name: str, version: int, path: Path) -> Servable:
        loaded.append(load_servable(name, version, path))
        owner.close()
        return loaded[0]

    owner = VersionManager("tiny", base_path, load=load)
    owner.poll()
    assert not loaded[0].acquire()
    assert states(owner) == {1: "END"}


def test_manager_refusals_have_tensorflow_servings_words(tmp_path: Path) -> None:
    manager = VersionManager("tiny", tmp_path)
    manager.poll()
    for call, message in (
        (manager.get, "NOT_FOUND: Servable not found for request: Latest(tiny)"),
        (lambda: manager.get(5), "NOT_FOUND: Servable not found for request: Specific(tiny, 5)"),
        (manager.statuses, "NOT_FOUND: Could not find any versions of model tiny"),
        (lambda: manager.statuses(5), "NOT_FOUND: Could not find version 5 of model tiny"),
    ):
        with pytest.raises(Refusal) as raised:
            call()
        assert str(raised.value) == message
