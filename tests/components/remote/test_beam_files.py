"""TFX's file interface on Beam's file systems, and on TensorFlow's, which says what is due."""

from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.io import fileio, filesystem_registry
from tfx.utils import io_utils

from rankbeam.components.remote.beam_files import BeamFilesystem
from rankbeam.components.remote.beam_lookup import OPTIONS_VARIABLE, beam_file_system
from rankbeam.components.remote.files import (
    download,
    download_folder,
    os_errors,
    read_bytes,
    upload,
    write_bytes,
)
from rankbeam.components.remote.hdfs_files import HdfsFiles
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.components.remote.memory import FoldersFileSystem, ObjectsFileSystem

_TREE = {"a": b"1", "b.csv": b"22", "in/c.csv": b"", "in/deep/d.csv": b"4444", "other/e": b"5"}


def _fill(place: str) -> None:
    for name, content in _TREE.items():
        write_bytes(f"{place}/{name}", content)


def test_files_are_found_and_read(place: str) -> None:
    _fill(place)
    for name, content in _TREE.items():
        assert read_bytes(f"{place}/{name}") == content
        assert fileio.exists(f"{place}/{name}")
        assert not fileio.isdir(f"{place}/{name}")
        assert fileio.stat(f"{place}/{name}").length == len(content)
        assert fileio.stat(f"{place}/{name}").mtime_nsec > 0
    for folder in (place, f"{place}/in", f"{place}/in/deep"):
        assert fileio.exists(folder)
        assert fileio.isdir(folder)
    for nothing in ("c.csv", "in/de", "i", "a/b"):
        assert not fileio.exists(f"{place}/{nothing}")
        assert not fileio.isdir(f"{place}/{nothing}")
    assert sorted(name.rstrip("/") for name in fileio.listdir(place)) == [
        "a",
        "b.csv",
        "in",
        "other",
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["a", "b.csv", "in", "other"]),
        ("*.csv", ["b.csv"]),
        ("in/*", ["in/c.csv", "in/deep"]),
        ("*/*.csv", ["in/c.csv"]),
        ("i?/deep/d*", ["in/deep/d.csv"]),
        ("a", ["a"]),
        ("in", ["in"]),
        ("nothing/*", []),
        ("nothing", []),
    ],
)
def test_globs_match_within_names(place: str, pattern: str, found: list[str]) -> None:
    _fill(place)
    matches = sorted(str(path).rstrip("/") for path in fileio.glob(f"{place}/{pattern}"))
    assert matches == [f"{place}/{name}" for name in found]


def test_walk_visits_every_folder(place: str) -> None:
    _fill(place)
    walked = {
        folder.rstrip("/"): (sorted(folders), sorted(names))
        for folder, folders, names in fileio.walk(place)
    }
    assert walked == {
        place: (["in", "other"], ["a", "b.csv"]),
        f"{place}/in": (["deep"], ["c.csv"]),
        f"{place}/in/deep": ([], ["d.csv"]),
        f"{place}/other": ([], ["e"]),
    }
    assert list(fileio.walk(f"{place}/nothing")) == []


def test_text_is_utf_8(place: str) -> None:
    io_utils.write_string_file(f"{place}/text", "naïve\n日本\n")
    assert read_bytes(f"{place}/text") == "naïve\n日本\n".encode()
    with fileio.open(f"{place}/text") as file:
        assert list(file) == ["naïve\n", "日本\n"]
    assert io_utils.read_string_file(f"{place}/text") == "naïve\n日本\n"


def test_binary_files_take_text_as_tfx_gives_it(place: str) -> None:
    fileio.makedirs(place)
    with fileio.open(f"{place}/json", "wb") as file:
        file.write('{"name": "naïve"}')
        file.write(b"\n")
    assert read_bytes(f"{place}/json") == '{"name": "naïve"}\n'.encode()


def test_writing_again_replaces(place: str) -> None:
    write_bytes(f"{place}/a", b"old and long")
    write_bytes(f"{place}/a", b"new")
    assert read_bytes(f"{place}/a") == b"new"


def test_removing_and_renaming(place: str) -> None:
    _fill(place)
    fileio.remove(f"{place}/a")
    fileio.rename(f"{place}/b.csv", f"{place}/b2.csv")
    fileio.copy(f"{place}/b2.csv", f"{place}/b3.csv")
    fileio.rmtree(f"{place}/in")
    left = sorted(name.rstrip("/") for name in fileio.listdir(place))
    assert left == ["b2.csv", "b3.csv", "other"]
    assert read_bytes(f"{place}/b3.csv") == b"22"
    assert not fileio.exists(f"{place}/in/deep/d.csv")


def test_renaming_a_folder_takes_all_along(place: str) -> None:
    _fill(place)
    fileio.rename(f"{place}/in", f"{place}/moved")
    assert read_bytes(f"{place}/moved/deep/d.csv") == b"4444"
    assert not fileio.exists(f"{place}/in")


def test_what_is_taken_is_not_overwritten_by_accident(place: str) -> None:
    _fill(place)
    with pytest.raises(OSError, match=r"exist"), os_errors():
        fileio.copy(f"{place}/a", f"{place}/b.csv")
    fileio.copy(f"{place}/a", f"{place}/b.csv", overwrite=True)
    assert read_bytes(f"{place}/b.csv") == b"1"


def test_what_is_not_there_is_not_found(place: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"(?i)no such file|nothing is at"):
        read_bytes(f"{place}/nothing")
    with pytest.raises(fileio.NotFoundError):
        fileio.remove(f"{place}/nothing")
    with pytest.raises(fileio.NotFoundError):
        fileio.listdir(f"{place}/nothing")


def test_folders_go_both_ways(place: str, tmp_path: Path) -> None:
    _fill(place)
    download_folder(place, tmp_path / "copy")
    found = {
        path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes()
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    }
    assert found == _TREE
    upload(tmp_path / "copy/in/deep/d.csv", f"{place}/up/loaded")
    assert read_bytes(f"{place}/up/loaded") == b"4444"
    io_utils.copy_dir(place, str(tmp_path / "stock"))
    assert (tmp_path / "stock/in/deep/d.csv").read_bytes() == b"4444"


def test_large_files_arrive_whole(place: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    (tmp_path / "a").write_bytes(content)
    upload(tmp_path / "a", f"{place}/a")
    download(f"{place}/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content


def test_marks_of_folders_are_no_files() -> None:
    ObjectsFileSystem.reset()
    for name in ("in/", "in/a"):
        ObjectsFileSystem.put(f"objects://bucket/{name}", b"")
    assert fileio.listdir("objects://bucket/in") == ["a"]
    assert fileio.glob("objects://bucket/*") == ["objects://bucket/in"]


@pytest.mark.parametrize("root", ["objects://bucket", "folders://host"])
def test_writing_that_goes_wrong_leaves_nothing_half(root: str) -> None:
    def write_half() -> None:
        with fileio.open(f"{root}/in/a", "wb") as file:
            file.write(b"half")
            raise RuntimeError("halfway")

    ObjectsFileSystem.reset()
    FoldersFileSystem.reset()
    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert not fileio.exists(f"{root}/in/a")


def test_folder_is_not_replaced_by_a_file() -> None:
    FoldersFileSystem.reset()
    write_bytes("folders://host/in/a", b"1")
    with pytest.raises(OSError, match="folders://host/in is a folder"):
        write_bytes("folders://host/in", b"2")
    assert read_bytes("folders://host/in/a") == b"1"


def test_schemes_of_beam_are_those_that_tensorflow_lacks_or_serves_badly() -> None:
    registry = filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY
    known = tf.io.gfile.get_registered_schemes()
    for scheme in ("s3", "hdfs", "azfs"):
        is_beams = registry.get_filesystem_for_scheme(f"{scheme}://") is BeamFilesystem
        assert is_beams == (scheme not in known)
    assert "gs" in known
    assert registry.get_filesystem_for_scheme("gs://") is BeamFilesystem
    assert registry.get_filesystem_for_scheme("") is not BeamFilesystem


def test_options_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        OPTIONS_VARIABLE, "--hdfs_host=namenode --hdfs_port 9870 --hdfs_user=me --hdfs_full_urls"
    )
    found = beam_file_system("hdfs://namenode/a")
    assert isinstance(found, HdfsFiles)
    assert found._files._parse_url("hdfs://namenode/a/b") == ("namenode", "/a/b")


@pytest.mark.parametrize(
    ("path", "options", "fault", "rule"),
    [
        ("hdfs://a/b", "", EnvironmentFault, f"{OPTIONS_VARIABLE} must hold what hdfs:// needs; "),
        (
            "hdfs://a/b",
            "--hdfs_hast=x",
            ConfigError,
            "must hold options of Beam; got --hdfs_hast=x",
        ),
        ("nowhere://a/b", "", EnvironmentFault, "a scheme that Beam knows; got nowhere://"),
    ],
)
def test_places_that_cannot_be_reached_are_named(
    monkeypatch: pytest.MonkeyPatch, path: str, options: str, fault: type[Exception], rule: str
) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, options)
    with pytest.raises(fault, match=rule):
        beam_file_system(path)
