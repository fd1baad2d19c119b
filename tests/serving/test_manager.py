"""Which version serves, as folders come, break, heal and go; polled by hand, on real models."""

import shutil
import weakref
from pathlib import Path

import pytest

from rankbeam.serving import tensors, warmup
from rankbeam.serving.manager import State, VersionManager
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.tiny_models import predict_request


@pytest.fixture
def manager(base_path: Path) -> VersionManager:
    polled = VersionManager("tiny", base_path)
    polled.poll()
    return polled


def _states(manager: VersionManager) -> dict[int, State]:
    return {row.version: row.state for row in manager.statuses()}


def test_manager_serves_the_highest_version(manager: VersionManager, base_path: Path) -> None:
    assert manager.get().version == 1
    shutil.copytree(base_path / "1", base_path / "10")
    shutil.copytree(base_path / "1", base_path / "9")
    manager.poll()
    assert manager.get().version == 10
    # 9 was never wanted, hence never loaded; 1 made way.
    assert _states(manager) == {10: State.AVAILABLE, 1: State.END}


def test_manager_keeps_a_replaced_version_alive_for_those_who_hold_it(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    held = manager.get()
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    shutil.rmtree(base_path / "1")
    sent = {"examples": tensors.encode(tiny_models.examples())}
    click = tensors.decode_array(held.signature("").run(sent)["click"])
    assert click == pytest.approx(tiny_models.oracle()["click"], abs=2e-7)


def test_manager_frees_a_replaced_version_at_once(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    graph = weakref.ref(manager.get().root.signatures["serving_default"].graph)
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    assert graph() is None


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


def test_manager_does_not_retry_until_the_files_change(
    manager: VersionManager, base_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (base_path / "2").mkdir()
    for _ in range(3):
        manager.poll()
    assert len([row for row in caplog.records if row.exc_info]) == 1
    shutil.copytree(base_path / "1", base_path / "2", dirs_exist_ok=True)
    manager.poll()
    assert manager.get().version == 2


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
    shutil.copytree(base_path / "1", base_path / "2")
    warmup.write_warmup(base_path / "2", [predict_request([b"\xff"])])
    manager.poll()
    assert manager.get().version == 1
    (failed,) = manager.statuses(2)
    assert (failed.state, failed.code.name) == (State.END, "INVALID_ARGUMENT")


def test_manager_starts_with_an_older_version_where_the_newest_is_broken(base_path: Path) -> None:
    (base_path / "2").mkdir()
    manager = VersionManager("tiny", base_path)
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {2: State.END, 1: State.AVAILABLE}


class _Observed(VersionManager):
    """Notes the states that clients see at each attempt to load."""

    def __init__(self, base_path: Path) -> None:
        super().__init__("tiny", base_path)
        self.seen: list[dict[int, State]] = []

    def _try_load(self, version: int, path: Path) -> bool:
        self.seen.append(_states(self))
        return super()._try_load(version, path)


def test_manager_shows_what_may_still_be_tried_while_nothing_serves(base_path: Path) -> None:
    (base_path / "2").mkdir()
    manager = _Observed(base_path)
    manager.poll()
    assert manager.seen == [{2: State.START, 1: State.START}, {2: State.END, 1: State.START}]


def test_manager_rolls_back_where_the_serving_version_is_deleted(
    manager: VersionManager, base_path: Path, biased_model: Path
) -> None:
    shutil.copytree(biased_model, base_path / "2")
    manager.poll()
    shutil.rmtree(base_path / "2")
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {1: State.AVAILABLE}


def test_manager_never_lets_go_of_the_last_version(
    manager: VersionManager, base_path: Path
) -> None:
    shutil.rmtree(base_path)
    manager.poll()
    assert manager.get().version == 1
    assert _states(manager) == {1: State.AVAILABLE}


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
