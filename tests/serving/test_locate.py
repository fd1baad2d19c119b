"""From the folder a user names to the base path and model name."""

from pathlib import Path

import pytest

from rankbeam.serving.content import RECORD_PATH, PushRecord
from rankbeam.serving.locate import PushedModel, locate
from rankbeam.transform.errors import ConfigError


def _version(path: Path, name: str | None = "ads") -> Path:
    path.mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"")
    if name is not None:
        record = PushRecord(name, int(path.name), "sha256:0", "", "blessed", "blessed")
        (path / RECORD_PATH).parent.mkdir()
        (path / RECORD_PATH).write_text(record.to_json())
    return path


def test_locate_base_path_takes_newest_version_and_recorded_name(tmp_path: Path) -> None:
    _version(tmp_path / "9", "old")
    _version(tmp_path / "10", "ads")
    assert locate(tmp_path) == PushedModel("ads", tmp_path, 10)


def test_locate_base_path_without_record_is_named_after_its_folder(tmp_path: Path) -> None:
    _version(tmp_path / "mine" / "1", None)
    assert locate(tmp_path / "mine") == PushedModel("mine", tmp_path / "mine", 1)


def test_locate_skips_incomplete_versions(tmp_path: Path) -> None:
    _version(tmp_path / "1")
    (tmp_path / "2").mkdir()
    assert locate(tmp_path).version == 1


@pytest.mark.parametrize("below", ["pushed", "serving/ads", "a/b/c"])
def test_locate_finds_the_base_path_in_an_output_folder(tmp_path: Path, below: str) -> None:
    _version(tmp_path / below / "4")
    assert locate(tmp_path) == PushedModel("ads", tmp_path / below, 4)


def test_locate_is_not_fooled_by_models_that_were_not_pushed(tmp_path: Path) -> None:
    _version(tmp_path / "artifacts" / "Trainer" / "17", None)
    _version(tmp_path / "pushed" / "1")
    assert locate(tmp_path).base_path == tmp_path / "pushed"


def test_locate_makes_relative_paths_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _version(tmp_path / "1")
    monkeypatch.chdir(tmp_path)
    assert locate(Path()).base_path == tmp_path.resolve()


def test_locate_refuses_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pushed folder must be a folder; got .*absent"):
        locate(tmp_path / "absent")


def test_locate_refuses_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold a pushed model within 3 levels; found none"):
        locate(tmp_path)


def test_locate_refuses_a_version_folder_and_names_its_parent(tmp_path: Path) -> None:
    version = _version(tmp_path / "base" / "1")
    with pytest.raises(ConfigError, match=r"is a version itself, name .*/base$"):
        locate(version)


def test_locate_refuses_two_models(tmp_path: Path) -> None:
    _version(tmp_path / "a" / "1")
    _version(tmp_path / "b" / "1")
    with pytest.raises(ConfigError, match=r"must hold one pushed model; .*holds: .*/a, .*/b$"):
        locate(tmp_path)
