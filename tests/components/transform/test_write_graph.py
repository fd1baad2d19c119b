"""A model is in its place, whole, however often and far the step that puts it there has run."""

from pathlib import Path

import pytest

from rankbeam.components.transform.write_graph import publish_model
from rankbeam.transform.errors import EnvironmentFault

_FILES = {"saved_model.pb": b"model", "assets/city": b"a\nb\n", "variables/variables.index": b""}


def _model(folder: Path, files: dict[str, bytes]) -> str:
    """Stands for TFT's SavedModel: what the files hold does not matter here."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)


def _held(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _publish(source: str, folder: Path) -> str:
    return publish_model(source, f"{folder}/transform_fn", f"{folder}/temporary", "described")


def test_model_is_copied_with_its_folders(tmp_path: Path) -> None:
    source = _model(tmp_path / "source", {**_FILES, ".tft_metadata/schema.pbtxt": b"TFT's own"})
    graph = tmp_path / "graph"
    assert _publish(source, graph) == f"{graph}/transform_fn"
    assert _held(graph) == {f"transform_fn/{name}": content for name, content in _FILES.items()}


def test_step_alone_may_run_again(tmp_path: Path) -> None:
    source = _model(tmp_path / "source", _FILES)
    for _ in range(2):
        _publish(source, tmp_path / "graph")
    assert _held(tmp_path / "graph" / "transform_fn") == _FILES
    assert _held(Path(source)) == _FILES


def test_step_may_run_again_after_those_before_it(tmp_path: Path) -> None:
    _publish(_model(tmp_path / "first", {**_FILES, "assets/old": b"x"}), tmp_path / "graph")
    _publish(_model(tmp_path / "again", _FILES), tmp_path / "graph")
    assert _held(tmp_path / "graph" / "transform_fn") == _FILES


def test_model_that_an_attempt_left_half_copied_is_none(tmp_path: Path) -> None:
    source = _model(tmp_path / "source", _FILES)
    gone = tmp_path / "source" / "variables" / "gone"
    gone.symlink_to("nowhere")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*graph/transform_fn: "):
        _publish(source, tmp_path / "graph")
    assert not (tmp_path / "graph" / "transform_fn").exists()
    gone.unlink()
    _publish(source, tmp_path / "graph")
    assert _held(tmp_path / "graph" / "transform_fn") == _FILES


def test_place_that_cannot_be_written_is_the_environments_fault(tmp_path: Path) -> None:
    source = _model(tmp_path / "source", _FILES)
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"cannot write .*file/transform_fn: "):
        _publish(source, tmp_path / "file")
