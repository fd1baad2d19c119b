"""HDFS as its own servers have it: users and their rights, hosts in paths, who is out of reach."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.io import fileio

from rankbeam.components.remote.beam_lookup import OPTIONS_VARIABLE
from rankbeam.components.remote.files import download, read_bytes, upload, write_bytes
from tests.hadoop.cluster import USER, Hdfs

pytestmark = pytest.mark.slow


def _status(hdfs: Hdfs, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hdfs.ask("GET", path, "GETFILESTATUS"))["FileStatus"]
    return found


def test_files_belong_to_the_user_of_the_options(hdfs: Hdfs, hdfs_root: str) -> None:
    write_bytes(f"{hdfs_root}/in/a", b"1234")
    found = _status(hdfs, "/place/in/a")
    assert (found["owner"], found["length"], found["type"]) == (USER, 4, "FILE")
    assert hdfs.ask("GET", "/place/in/a", "OPEN") == b"1234"
    changed_ns = fileio.stat(f"{hdfs_root}/in/a").mtime_nsec
    assert round(changed_ns / 1e6) == found["modificationTime"]


def test_files_of_several_blocks_go_both_ways(hdfs: Hdfs, hdfs_root: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4 * 160_000  # of 164 MB, where a block has 128 MiB
    (tmp_path / "a").write_bytes(content)
    upload(tmp_path / "a", f"{hdfs_root}/a")
    assert _status(hdfs, "/place/a")["length"] == len(content)
    download(f"{hdfs_root}/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content


def test_empty_folders_and_files_are_told_apart(hdfs: Hdfs, hdfs_root: str) -> None:
    hdfs.ask("PUT", "/place/folder", "MKDIRS")
    write_bytes(f"{hdfs_root}/file", b"")
    assert [fileio.isdir(f"{hdfs_root}/{name}") for name in ("folder", "file")] == [True, False]
    assert fileio.listdir(f"{hdfs_root}/folder") == []
    assert sorted(fileio.listdir(hdfs_root)) == ["file", "folder"]
    assert fileio.glob(f"{hdfs_root}/f*") == [f"{hdfs_root}/file", f"{hdfs_root}/folder"]


@pytest.mark.parametrize("name", ["a b+c%20d&e=f.csv", "naïve 日本.csv", "[x]{y}~'(1).csv", "#?;,"])
def test_names_are_taken_as_they_are(hdfs: Hdfs, hdfs_root: str, name: str) -> None:
    write_bytes(f"{hdfs_root}/in/{name}", b"1")
    listed = json.loads(hdfs.ask("GET", "/place/in", "LISTSTATUS"))["FileStatuses"]["FileStatus"]
    assert [found["pathSuffix"] for found in listed] == [name]
    assert fileio.listdir(f"{hdfs_root}/in") == [name]
    assert fileio.glob(f"{hdfs_root}/in/*") == [f"{hdfs_root}/in/{name}"]
    assert read_bytes(f"{hdfs_root}/in/{name}") == b"1"


def test_host_stands_in_the_path_where_asked_for(
    hdfs: Hdfs, hdfs_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPTIONS_VARIABLE, f"{hdfs.options} --hdfs_full_urls")
    write_bytes("hdfs://name-node/place/in/a", b"1")
    assert hdfs.ask("GET", "/place/in/a", "OPEN") == b"1"
    assert fileio.glob("hdfs://name-node/place/*/a") == ["hdfs://name-node/place/in/a"]
    assert read_bytes("hdfs://name-node/place/in/a") == b"1"


def test_what_a_user_may_not_see_is_no_missing_file(
    hdfs: Hdfs, hdfs_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(f"{hdfs_root}/closed/a", b"1")
    hdfs.ask("PUT", "/place/closed", "SETPERMISSION", permission="700")
    monkeypatch.setenv(OPTIONS_VARIABLE, hdfs.options.replace(USER, "stranger"))
    with pytest.raises(OSError, match=rf"^{hdfs_root}/closed/a: .*Permission denied: user=strang"):
        fileio.exists(f"{hdfs_root}/closed/a")
    with pytest.raises(OSError, match="Permission denied: user=stranger"):
        fileio.glob(f"{hdfs_root}/closed/*")
    with pytest.raises(OSError, match=rf"^{hdfs_root}/b: .*Permission denied: user=stranger"):
        write_bytes(f"{hdfs_root}/b", b"1")


@pytest.mark.parametrize("size", [10, 50_000_000])
def test_writing_that_goes_wrong_leaves_what_was_there(
    hdfs: Hdfs, hdfs_root: str, size: int
) -> None:
    def write_half() -> None:
        with fileio.open(f"{hdfs_root}/a", "wb") as file:
            file.write(bytes(size))
            raise RuntimeError("halfway")

    write_bytes(f"{hdfs_root}/a", b"old")
    with pytest.raises(RuntimeError, match="halfway"):
        write_half()
    assert hdfs.ask("GET", "/place/a", "OPEN") == b"old"


def test_overwriting_that_is_refused_leaves_what_was_there(
    hdfs: Hdfs, hdfs_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(f"{hdfs_root}/in/a", b"old")
    monkeypatch.setenv(OPTIONS_VARIABLE, hdfs.options.replace(USER, "stranger"))
    with pytest.raises(OSError, match="Permission denied: user=stranger"):
        write_bytes(f"{hdfs_root}/in/a", b"new")
    assert hdfs.ask("GET", "/place/in/a", "OPEN") == b"old"


def test_file_that_is_written_again_is_replaced_and_alone(hdfs_root: str) -> None:
    for content in (b"first", b"second"):
        write_bytes(f"{hdfs_root}/in/a", content)
    assert read_bytes(f"{hdfs_root}/in/a") == b"second"
    assert fileio.listdir(f"{hdfs_root}/in") == ["a"]


def test_folder_is_not_replaced_by_a_file(hdfs_root: str) -> None:
    write_bytes(f"{hdfs_root}/in/a", b"1")
    with pytest.raises(OSError, match=rf"^{hdfs_root}/in: HdfsError /place/in .*directory$"):
        write_bytes(f"{hdfs_root}/in", b"2")
    assert read_bytes(f"{hdfs_root}/in/a") == b"1"
    assert fileio.listdir(hdfs_root) == ["in"]


def test_name_node_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    options = "--hdfs_host=127.0.0.1 --hdfs_port=1 --hdfs_user=me"
    monkeypatch.setenv(OPTIONS_VARIABLE, options)
    with pytest.raises(OSError, match=r"host='127.0.0.1', port=1.*refused"):
        fileio.exists("hdfs://a/b")
