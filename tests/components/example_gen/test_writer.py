"""Files of splits: whole or not there, equal for equal records."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from rankbeam.components.example_gen.writer import SplitsWriter
from rankbeam.transform.errors import EnvironmentFault
from tests.components.example_gen.runs import split_bytes
from tests.disks import small_disk

ONE = "data_tfrecord-00000-of-00001.gz"


def _write(folder: Path, records: list[bytes], **shards: int) -> None:
    with SplitsWriter(str(folder), ("train", "eval"), **shards) as writer:
        writer.write("train", records[:1])
        writer.write("train", records[1:])


def _records(folder: Path, split: str) -> list[bytes]:
    files = sorted(map(str, (folder / f"Split-{split}").iterdir()))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())


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
    assert first[f"Split-train/{ONE}"][4:8] == bytes(4)


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
)
def test_writer_begins_a_file_when_one_has_its_rows(
    tmp_path: Path, rows: int, sizes: list[int]
) -> None:
    records = [b"%d" % number for number in range(rows)]
    _write(tmp_path, records, shard_rows=3)
    folder = tmp_path / "Split-train"
    names = [f"data_tfrecord-{n:05d}-of-{len(sizes):05d}.gz" for n in range(len(sizes))]
    assert sorted(path.name for path in folder.iterdir()) == names
    found = [list(tf.data.TFRecordDataset(str(folder / name), "GZIP")) for name in names]
    assert [len(part) for part in found] == sizes
    assert _records(tmp_path, "train") == records
    assert [path.name for path in (tmp_path / "Split-eval").iterdir()] == [ONE]


def test_writer_gives_one_files_bytes_where_one_suffices(tmp_path: Path) -> None:
    records = [b"%d" % number for number in range(1000)]
    _write(tmp_path / "1", records)
    _write(tmp_path / "2", records, shard_rows=1000)
    # Written by TensorFlow alone, as ExampleGen did when it had but one file.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    with tf.io.TFRecordWriter(str(tmp_path / "plain.gz"), options) as writer:
        for record in records:
            writer.write(record)
    found = split_bytes(tmp_path / "1")
    assert found == split_bytes(tmp_path / "2")
    assert found[f"Split-train/{ONE}"] == (tmp_path / "plain.gz").read_bytes()


def test_writer_removes_the_files_of_an_earlier_try_with_more_rows(tmp_path: Path) -> None:
    _write(tmp_path, [b"old"] * 9, shard_rows=3)
    _write(tmp_path, [b"new"] * 5, shard_rows=3)
    assert _records(tmp_path, "train") == [b"new"] * 5


def test_writer_that_fails_in_a_later_file_leaves_none(tmp_path: Path) -> None:
    def interrupted() -> None:
        with SplitsWriter(str(tmp_path), ("train",), shard_rows=2) as writer:
            writer.write("train", [b"x"] * 5)
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_writer_leaves_nothing_behind_an_exception(tmp_path: Path) -> None:
    def interrupted() -> None:
        with SplitsWriter(str(tmp_path), ("train",)) as writer:
            writer.write("train", [b"x"])
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_writer_that_cannot_name_the_second_split_leaves_none(tmp_path: Path) -> None:
    link = tmp_path / "Split-eval"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(EnvironmentFault, match=r"^cannot write examples to .*unfinished/eval"):
        _write(tmp_path, [b"x"])
    assert list(tmp_path.iterdir()) == [link]


def test_writer_that_cannot_open_the_second_split_leaves_none(tmp_path: Path) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "eval").write_text("no folder")
    with pytest.raises(EnvironmentFault, match=r"^cannot write examples to .*unfinished/eval"):
        _write(tmp_path, [b"x"])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """An artifact's folder in which what is unfinished cannot be removed."""
    (tmp_path / "unfinished").mkdir()
    with small_disk(tmp_path / "unfinished" / "busy", "64k"):
        yield tmp_path


def test_writer_that_cannot_tidy_up_tells_the_first_error(busy: Path) -> None:
    def interrupted() -> None:
        with SplitsWriter(str(busy), ("train",)) as writer:
            writer.write("train", [b"x"])
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        interrupted()
    assert [path.name for path in busy.iterdir()] == ["unfinished"]


def test_writer_that_cannot_tidy_up_after_all_went_well_is_the_environments_fault(
    busy: Path,
) -> None:
    with pytest.raises(EnvironmentFault, match=r"^cannot write examples to .*busy"):
        _write(busy, [b"x"])
    assert [path.name for path in busy.iterdir()] == ["unfinished"]


def test_writer_replaces_what_an_interrupted_run_left(tmp_path: Path) -> None:
    (tmp_path / "unfinished" / "train").mkdir(parents=True)
    (tmp_path / "unfinished" / "train" / "00000.gz").write_bytes(b"half")
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
    (tmp_path / "unfinished" / "train").mkdir(parents=True)
    (tmp_path / "unfinished" / "train" / "00000.gz").symlink_to("/dev/full")
    with (
        pytest.raises(EnvironmentFault, match=r"cannot write examples to .*[Nn]o space left"),
        SplitsWriter(str(tmp_path), ("train",)) as writer,
    ):
        writer.write("train", [b"x" * 1000] * 1000)
    assert list(tmp_path.iterdir()) == []
