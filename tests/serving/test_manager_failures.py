"""Versions that do not load, or fail their warm-up: reported, tried again, and never served."""

import shutil
from pathlib import Path

import pytest

from rankbeam.serving import warmup
from rankbeam.serving.manager import State, VersionManager
from rankbeam.serving.policy import All, Latest
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.loading import LoadSettings
from tests.serving import tiny_models
from tests.serving.managed import add, states
from tests.serving.tiny_models import predict_request


@pytest.fixture
def manager(base_path: Path) -> VersionManager:
    polled = VersionManager("tiny", base_path)
    polled.poll()
    return polled


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


def test_manager_that_looks_once_tries_again_what_it_found_and_nothing_else(
    base_path: Path,
) -> None:
    add(base_path, 2)
    tried: list[int] = []

    def load(name: str, version: int, path: Path) -> Servable:
        tried.append(version)
        if version == 2 and tried.count(2) <= 2:
            raise OSError("the share is away")
        return load_servable(name, version, path)

    loading = LoadSettings(max_retries=2, retry_interval_s=0.0, look_once=True)
    manager = VersionManager("tiny", base_path, loading=loading, load=load)
    manager.poll()
    assert states(manager) == {2: "END", 1: "AVAILABLE"}
    add(base_path, 3)
    for _ in range(4):
        manager.poll()
    assert tried == [2, 1, 2, 2]
    assert states(manager) == {2: "AVAILABLE", 1: "END"}
    manager.configure(base_path, Latest())  # as TensorFlow Serving, whose new config looks again
    manager.poll()
    assert manager.get().version == 3


def test_manager_that_looks_once_gives_up_after_its_retries(base_path: Path) -> None:
    tried: list[int] = []

    def load(name: str, version: int, path: Path) -> Servable:
        tried.append(version)
        raise OSError("the share is away")

    loading = LoadSettings(max_retries=1, retry_interval_s=0.0, look_once=True)
    manager = VersionManager("tiny", base_path, loading=loading, load=load)
    for _ in range(4):
        manager.poll()
        (base_path / "1" / "changed").write_bytes(b"x" * len(tried))
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
    add(base_path, 2)
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
    assert states(manager) == {2: "END", 1: "AVAILABLE"}


def test_manager_moves_to_the_best_that_loads_where_the_newest_is_broken(
    manager: VersionManager, base_path: Path
) -> None:
    add(base_path, 2, 3)
    (base_path / "4").mkdir()
    manager.poll()
    # 2 is older than what came before it in the search, and is left alone.
    assert states(manager) == {4: "END", 3: "AVAILABLE", 1: "END"}


def test_manager_all_serves_the_others_where_one_is_broken(base_path: Path) -> None:
    add(base_path, 3)
    (base_path / "2").mkdir()
    manager = VersionManager("tiny", base_path, All())
    manager.poll()
    assert states(manager) == {3: "AVAILABLE", 2: "END", 1: "AVAILABLE"}


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
