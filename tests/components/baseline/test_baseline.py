"""Which pushed version is the baseline, and what the node makes of it."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from rankbeam.components.baseline.executor import Executor
from rankbeam.components.baseline.logic import baseline_key
from rankbeam.components.baseline.note import is_absent, read_note
from rankbeam.components.pusher.publish import publish
from rankbeam.serving.content import PushRecord
from rankbeam.transform.errors import EnvironmentFault, GateError


def _fill(folder: Path, graph: str, warmup: bool = False) -> None:
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(graph)
    if warmup:
        (folder / "assets.extra" / "tf_serving_warmup_requests").write_text("warm")


def _push(destination: Path, graph: str, blessing: str = "blessed") -> int:
    """Push as the Pusher does, warm-up requests and all."""
    record = PushRecord("ads", 0, "", "2026-01-02T03:04:05+00:00", blessing, "blessed", "blessed")
    made = publish(destination, lambda folder: _fill(folder, graph, True), record)
    return made.record.version


def _candidate(folder: Path, graph: str) -> standard_artifacts.Model:
    _fill(folder / graph / "Format-Serving", graph)
    model = standard_artifacts.Model()
    model.uri = str(folder / graph)
    return model


def _find(folder: Path, graph: str, destination: str) -> standard_artifacts.Model:
    """Run the executor on a candidate; its artifact."""
    baseline = standard_artifacts.Model()
    baseline.uri = str(folder / f"baseline of {graph}")
    executor: base_executor.BaseExecutor = Executor()
    executor.Do(
        {"model": [_candidate(folder, graph)]},
        {"baseline": [baseline]},
        {"destination": destination},
    )
    return baseline


def _graph_of(baseline: standard_artifacts.Model) -> str | None:
    """What the artifact's SavedModel holds, if it has one."""
    path = Path(baseline.uri) / "Format-Serving" / "saved_model.pb"
    assert is_absent(baseline.uri) == (not path.exists())
    return path.read_text() if path.exists() else None


def test_baseline_of_a_first_run_is_none_and_says_so(tmp_path: Path) -> None:
    baseline = _find(tmp_path, "a", str(tmp_path / "pushed"))
    assert (_graph_of(baseline), read_note(baseline.uri)) == (None, None)
    assert json.loads((Path(baseline.uri) / "baseline.json").read_text()) is None


def test_baseline_is_the_newest_version_and_never_the_candidate(tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"
    for number, graph in enumerate(["a", "b"], start=1):
        assert _push(pushed, graph) == number
    expected = {"a": ("b", 2), "b": ("a", 1), "c": ("b", 2)}
    for candidate, (graph, version) in expected.items():
        baseline = _find(tmp_path, candidate, str(pushed))
        record = read_note(baseline.uri)
        assert record is not None
        assert (_graph_of(baseline), record.version) == (graph, version)


def test_baseline_key_is_the_same_before_and_after_the_candidates_own_push(tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"
    keys = []
    for graph in ("a", "b"):
        candidate = _candidate(tmp_path, graph).uri + "/Format-Serving"
        before = baseline_key(str(pushed), candidate)
        _push(pushed, graph)
        assert baseline_key(str(pushed), candidate) == before
        keys.append(before)
    assert keys[0] == "none"
    assert keys[1].startswith("1 sha256:")


def test_baseline_skips_versions_that_are_unblessed_or_not_ours(tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"
    _push(pushed, "a")
    _push(pushed, "b", blessing="not required")
    _fill(pushed / "7", "theirs")
    (pushed / "notes").mkdir()
    (pushed / "9").write_text("a file")
    assert _graph_of(_find(tmp_path, "c", str(pushed))) == "a"


def test_baseline_orders_versions_as_numbers(tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"
    for number in range(1, 11):
        assert _push(pushed, f"graph {number}") == number
    assert _graph_of(_find(tmp_path, "c", str(pushed))) == "graph 10"


def test_baseline_that_is_damaged_stops_the_run(tmp_path: Path) -> None:
    pushed = tmp_path / "pushed"
    _push(pushed, "a")
    (pushed / "1" / "saved_model.pb").write_text("cut sh")
    with pytest.raises(GateError, match=r"pushed/1 must have the content .* remove that version"):
        _find(tmp_path, "c", str(pushed))


def test_baseline_needs_a_candidate(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"model must hold a SavedModel; .* holds none"):
        baseline_key(str(tmp_path / "pushed"), str(tmp_path / "gone"))


def test_baseline_is_found_on_a_remote_file_system(tmp_path: Path) -> None:
    """TensorFlow's file system in memory stands for a bucket: it has a scheme, and no paths."""
    destination = "ram://baseline/pushed"
    assert _graph_of(_find(tmp_path, "z", destination)) is None
    for graph in ("a", "b"):
        _push(tmp_path / "pushed", graph)
    for path in (tmp_path / "pushed").rglob("*"):
        if path.is_file():
            remote = f"{destination}/{path.relative_to(tmp_path / 'pushed')}"
            tf.io.gfile.makedirs(remote.rsplit("/", 1)[0])
            tf.io.gfile.copy(str(path), remote)
    assert _graph_of(_find(tmp_path, "c", destination)) == "b"
    assert _graph_of(_find(tmp_path, "b", destination + "/")) == "a"
