"""Files of splits: whole or not there, equal for equal records."""

from pathlib import Path

import pytest
import tensorflow as tf

from rankbeam.components.example_gen.writer import FILE_NAME, SplitsWriter
from rankbeam.transform.errors import EnvironmentFault
from tests.components.example_gen.runs import split_bytes


def _write(folder: Path, records: list[bytes]) -> None:
    with SplitsWriter(str(folder), ("train", "eval")) as writer:
        writer.write("train", records[:1])
        writer.write("train", records[1:])


def _records(folder: Path, split: str) -> list[bytes]:
    path = folder / f"Split-{split}" / FILE_NAME
    return list(tf.data.TFRecordDataset([str(path)], "GZIP").as_numpy_iterator())


def test_writer_keeps_order_and_writes_empty_splits(tmp_path: Path) -> None:
    records = [b"b", b"", b"a" * 100_000]
    _write(tmp_path, records)
    assert _records(tmp_path, "train") == records
    assert _records(tmp_path, "eval") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Split-eval", "Split-train"]


def test_writer_gives_equal_bytes_without_time_stamp(tmp_path: Path) -> None:
    _write(tmp_path / "1", [b"x"] * 1000)
    _write(tmp_path / "2", [b"x"] * 1000)
    first = split_bytes(tmp_path / "1")
    assert first == split_bytes(tmp_path / "2")
    # Bytes 4 to 8 of a gzip header are the time of modification.
    assert first[f"Split-train/{FILE_NAME}"][4:8] == bytes(4)


def test_writer_leaves_nothing_behind_an_exception(tmp_path: Path) -> None:
    def interrupted() -> None:
        with SplitsWriter(str(tmp_path), ("train",)) as writer:
            writer.write("train", [b"x"])
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_writer_replaces_what_an_interrupted_run_left(tmp_path: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "train.gz").write_bytes(b"half")
    _write(tmp_path, [b"x"])
    assert _records(tmp_path, "train") == [b"x"]


def test_writer_where_a_file_stands_in_the_way_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EnvironmentFault, match=r"cannot write examples to .*/file/examples: "),
        SplitsWriter(str(tmp_path / "file" / "examples"), ("train",)),
    ):
        pass


def test_writer_on_a_full_disk_is_the_environments_fault(tmp_path: Path) -> None:
    # Whatever is written to /dev/full is refused for want of space.
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "train.gz").symlink_to("/dev/full")
    with (
        pytest.raises(EnvironmentFault, match=r"cannot write examples to .*[Nn]o space left"),
        SplitsWriter(str(tmp_path), ("train",)) as writer,
    ):
        writer.write("train", [b"x" * 1000] * 1000)
    assert list(tmp_path.iterdir()) == []
