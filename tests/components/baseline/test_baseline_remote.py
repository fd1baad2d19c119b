"""The baseline where versions are pushed to wherever a URI leads."""

from pathlib import Path

from tfx.dsl.io import fileio

from rankbeam.components.baseline.logic import baseline_key, last_blessed_other
from rankbeam.components.pusher.publish_remote import publish_remote
from rankbeam.components.remote.files import write_bytes
from rankbeam.serving.content import PushRecord


def _fill(folder: Path, graph: str) -> None:
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text(graph)


def _push(destination: str, graph: str) -> None:
    record = PushRecord("ads", 0, "", "2026-01-02T03:04:05+00:00", "blessed", "blessed", "blessed")
    publish_remote(destination, lambda folder: _fill(folder, graph), record)


def test_baseline_is_the_newest_whole_version_that_is_another(place: str, tmp_path: Path) -> None:
    _fill(tmp_path / "model", "new")
    destination, candidate = f"{place}/pushed", str(tmp_path / "model")
    assert baseline_key(destination, candidate) == "none"
    for graph in ("old", "older sister", "new", "half"):
        _push(destination, graph)
    fileio.remove(f"{destination}/4/saved_model.pb")  # as while a push goes on
    write_bytes(f"{destination}/9/saved_model.pb", b"somebody else's, without a record")
    with last_blessed_other(destination, candidate) as found:
        assert found is not None
        assert (found.record.version, found.uri) == (2, f"{destination}/2")
        assert (found.folder / "saved_model.pb").read_text() == "older sister"
