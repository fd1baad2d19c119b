"""Which versions serve, as folders come, break, heal and go; polled by hand, on real models."""

import shutil
import weakref
from pathlib import Path

import pytest

from rankbeam.serving import warmup
from rankbeam.serving.manager import State, VersionManager
from rankbeam.serving.policy import All, Latest, Specific, VersionPolicy
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.tiny_models import predict_request


@pytest.fixture
def manager(base_path: Path) -> VersionManager:
    polled = VersionManager("tiny", base_path)
    polled.poll()
    return polled


def _states(manager: VersionManager) -> dict[int, str]:
    return {row.version: row.state.name for row in manager.statuses()}


def _serving(manager: VersionManager) -> set[int]:
    return {version for version, state in _states(manager).items() if state == "AVAILABLE"}


def _add(base_path: Path, *versions: int) -> None:
    for version in versions:
        shutil.copytree(base_path / "1", base_path / str(version))


def _click(servable: Servable) -> object:
    request = predict_request(tiny_models.examples())
    signature = servable.signature("")
    return signature.call(signature.feeds(request.inputs))["click"]


def test_manager_serves_the_highest_version(manager: VersionManager, base_path: Path) -> None:
    assert manager.get().version == 1
    _add(base_path, 10, 9)
    manager.poll()
    assert manager.get().version == 10
    # 9 was never wanted, hence never loaded; 1 made way.
    assert _states(manager) == {10: "AVAILABLE", 1: "END"}


@pytest.mark.parametrize(
    ("policy", "serving"),
    [
        (Latest(2), {3, 4}),
        (All(), {1, 2, 3, 4}),
        (Specific(frozenset({2, 4, 7})), {2, 4}),
    ],
)
def test_manager_serves_several_versions_at_once(
    base_path: Path, policy: VersionPolicy, serving: set[int]
) -> None:
    _add(base_path, 2, 3, 4)
    manager = VersionManager("tiny", base_path, policy)
    manager.poll()
    assert _serving(manager) == serving
    assert {version: manager.get(version).version for version in serving} == dict(
        zip(serving, serving, strict=True)
    )
    assert manager.get().version == max(serving)


def test_manager_follows_a_changed_policy(manager: VersionManager, base_path: Path) -> None:
    _add(base_path, 2, 3)
    seen = []
    for policy in (All(), Specific(frozenset({1, 2})), Latest(1), Specific(frozenset({1}))):
        manager.configure(base_path, policy)
        manager.poll()
        seen.append((_serving(manager), manager.get().version))
    assert seen == [({1, 2, 3}, 3), ({1, 2}, 2), ({3}, 3), ({1}, 1)]


def test_manager_keeps_what_it_serves_where_the_policy_names_nothing_on_disk(
    manager: VersionManager, base_path: Path
) -> None:
    manager.configure(base_path, Specific(frozenset({8})))
    manager.poll()
    assert _serving(manager) == {1}
    _add(base_path, 8)
    manager.poll()
    assert _serving(manager) == {8}


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
    assert _states(manager) == {2: "AVAILABLE", 1: "UNLOADING"}
    assert _click(held) == pytest.approx(tiny_models.oracle()["click"], abs=2e-7)
    held.release()
    assert _states(manager) == {2: "AVAILABLE", 1: "END"}
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
    _add(base_path, 2)
    manager.poll()
    answers = [stale, manager.get()]
    monkeypatch.setattr(manager, "get", lambda version=None: answers.pop(0))
    assert manager.acquire().version == 2
    assert answers == []


def test_manager_reports_a_broken_version_and_serves_on(
    manager: VersionManager, base_path: Path
) -> None:
    (base_path / "2").mkdir()
    (base_path / "2" / "saved_model.pb").write_bytes(b"broken")
    manager.poll()
    assert manager.get().version == 1
    (broken,) = manager.statuses(2)
    assert broken.state is State.END
    assert broken.code.name == "DATA_LOSS"
    assert "saved_model.pb" in broken.message


def test_manager_does_not_retry_at_once_until_the_files_change(
    manager: VersionManager, base_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (base_path / "2").mkdir()
    for _ in range(3):
        manager.poll()
    assert len([row for row in caplog.records if row.exc_info]) == 1
    shutil.copytree(base_path / "1", base_path / "2", dirs_exist_ok=True)
    manager.poll()
    assert manager.get().version == 2


def test_manager_retries_as_often_as_it_is_told(base_path: Path) -> None:
    tried: list[int] = []
    outcomes: list[str] = []

    def load(name: str, version: int, path: Path) -> Servable:
        tried.append(version)
        if len(tried) <= 2:
            raise OSError("the share is away")
        return load_servable(name, version, path)

    loading = LoadSettings(max_retries=2, retry_interval_s=0.0)
    manager = VersionManager("tiny", base_path, loading=loading, load=load, on_load=outcomes.append)
    for _ in range(4):
        manager.poll()
    assert tried == [1, 1, 1]
    assert outcomes == ["INTERNAL", "INTERNAL", "ok"]


def test_manager_gives_up_after_its_retries(base_path: Path) -> None:
    tried: list[int] = []

    def load(name: str, version: int, path: Path) -> Servable:
        tried.append(version)
        raise OSError("the share is away")

    loading = LoadSettings(max_retries=1, retry_interval_s=0.0)
    manager = VersionManager("tiny", base_path, loading=loading, load=load)
    for _ in range(4):
        manager.poll()
    assert tried == [1, 1]


def test_manager_half_copied_version_serves_once_it_is_whole(
    manager: VersionManager, base_path: Path
) -> None:
    source = base_path / "1"
    for path in sorted(source.rglob("*"), reverse=True):  # variables before saved_model.pb
        if path.is_file() and path.name != "fingerprint.pb":
            target = base_path / "2" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            manager.poll()
            assert manager.get().version == 1
            shutil.copyfile(path, target)
    manager.poll()
    assert manager.get().version == 2


def test_manager_version_that_fails_its_warmup_is_not_served(
    manager: VersionManager, base_path: Path
) -> None:
    _add(base_path, 2)
    warmup.write_warmup(base_path / "2", [predict_request([b"\xff"])])
    manager.poll()
    assert manager.get().version == 1
    (failed,) = manager.statuses(2)
    assert (failed.state, failed.code.name) == (State.END, "INVALID_ARGUMENT")


@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_manager_warms_up_as_often_as_it_is_told(base_path: Path, iterations: int) -> None:
    warmup.write_warmup(base_path / "1", [predict_request(tiny_models.examples())])
    manager = VersionManager("tiny", base_path, loading=LoadSettings(warmup_iterations=iterations))
    manager.poll()
    count = manager.get().signature("parsed_examples").call({})["count"]
    assert count == iterations * len(tiny_models.ROWS)


def test_manager_starts_with_an_older_version_where_the_newest_is_broken(base_path: Path) -> None:
    (base_path / "2").mkdir()
    manager = VersionManager("tiny", base_path)
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {2: "END", 1: "AVAILABLE"}


def test_manager_moves_to_the_best_that_loads_where_the_newest_is_broken(
    manager: VersionManager, base_path: Path
) -> None:
    _add(base_path, 2, 3)
    (base_path / "4").mkdir()
    manager.poll()
    # 2 is older than what came before it in the search, and is left alone.
    assert _states(manager) == {4: "END", 3: "AVAILABLE", 1: "END"}


def test_manager_all_serves_the_others_where_one_is_broken(base_path: Path) -> None:
    _add(base_path, 3)
    (base_path / "2").mkdir()
    manager = VersionManager("tiny", base_path, All())
    manager.poll()
    assert _states(manager) == {3: "AVAILABLE", 2: "END", 1: "AVAILABLE"}


def test_manager_shows_every_state_on_the_way(base_path: Path) -> None:
    (base_path / "2").mkdir()
    seen: list[dict[int, str]] = []
    manager = VersionManager("tiny", base_path, watch=lambda states: seen.append(dict(states)))
    manager.poll()
    # What may still be tried shows START, so that nobody takes the broken one for the only one.
    assert [
        states for states, after in zip(seen, [*seen[1:], None], strict=True) if states != after
    ] == [
        {1: "START", 2: "START"},
        {1: "START", 2: "LOADING"},
        {1: "START", 2: "END"},
        {1: "LOADING", 2: "END"},
        {1: "AVAILABLE", 2: "END"},
    ]


def test_manager_rolls_back_where_the_serving_version_is_deleted(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    shutil.rmtree(base_path / "2")
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {1: "AVAILABLE"}


@pytest.mark.parametrize("policy", [Latest(1), All(), Specific(frozenset({1}))])
def test_manager_never_lets_go_of_the_last_version(base_path: Path, policy: VersionPolicy) -> None:
    manager = VersionManager("tiny", base_path, policy)
    manager.poll()
    shutil.rmtree(base_path)
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {1: "AVAILABLE"}
    base_path.mkdir()
    manager.poll()
    assert manager.get().version == 1


def test_manager_closed_serves_nothing_and_loads_nothing(
    manager: VersionManager, base_path: Path
) -> None:
    manager.close()
    _add(base_path, 2)
    manager.poll()
    with pytest.raises(Refusal, match=r"Servable not found for request: Latest\(tiny\)"):
        manager.get()
    assert _serving(manager) == set()


def test_manager_closed_while_it_loads_drops_what_it_loaded(base_path: Path) -> None:
    loaded: list[Servable] = []

    def load(name: str, version: int, path: Path) -> Servable:
        loaded.append(load_servable(name, version, path))
        owner.close()
        return loaded[0]

    owner = VersionManager("tiny", base_path, load=load)
    owner.poll()
    assert not loaded[0].acquire()
    assert _states(owner) == {1: "END"}


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
