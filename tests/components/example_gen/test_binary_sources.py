"""Parquet and TFRecord files, from bytes to rows."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from rankbeam.components.example_gen.chunks import Chunk
from rankbeam.components.example_gen.reader import Reader
from rankbeam.transform.errors import DataError
from tests.components.example_gen.runs import make_spec, write_avro, write_parquet


def _rows(path: Path, kind: str, columns: dict[str, str | None]) -> Iterator[Chunk]:
    return Reader(make_spec(str(path), kind, columns=columns), [str(path)]).rows(tuple(columns))


def _column(path: Path, kind: str, name: str = "a") -> list[Any]:
    chunks = _rows(path, kind, {name: None})
    return [value for chunk in chunks for value in chunk.column(name).to_pylist()]


def _write_examples(path: Path, rows: list[dict[str, list[int]]], compression: str = "") -> None:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for row in rows:
            example = tf.train.Example()
            for name, values in row.items():
                example.features.feature[name].int64_list.value.extend(values)
            writer.write(example.SerializeToString())


def test_parquet_batches_know_their_place(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", {"a": range(40_000), "b": range(40_000)})
    write_parquet(tmp_path / "b.parquet", {"a": range(40_000, 50_000)})
    files = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
    chunks = list(Reader(make_spec("*", columns={"a": "int"}), files).rows(("a",)))
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.column("a")[0].as_py() == chunk.index
        assert chunk.row == chunk.index - (40_000 if chunk.file == files[1] else 0)
    assert sum(chunk.batch.num_rows for chunk in chunks) == 50_000


def test_parquet_column_is_told_from_one_nested_below_its_name(tmp_path: Path) -> None:
    write_parquet(tmp_path / "f.parquet", {"a.b": [1], "a": ["x"], "a.c": [2]})
    assert _column(tmp_path / "f.parquet", "parquet") == ["x"]
    assert _column(tmp_path / "f.parquet", "parquet", "a.c") == [2]


def test_parquet_column_twice_is_named(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    pq.write_table(table, tmp_path / "f.parquet")
    with pytest.raises(DataError, match=r"must hold column 'a' .* once; got 2 columns"):
        _column(tmp_path / "f.parquet", "parquet")


def test_parquet_column_missing_is_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "f.parquet", {"click": [1]})
    with pytest.raises(DataError, match=r"column 'clik' \(wanted by a label\); nearest is 'click'"):
        list(_rows(tmp_path / "f.parquet", "parquet", {"clik": "int"}))


@pytest.mark.parametrize("damage", ["empty", "truncated", "overwritten", "text"])
def test_parquet_damage_is_one_error(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "f.parquet"
    write_parquet(path, {"a": np.random.default_rng(0).normal(size=50_000)})
    whole = path.read_bytes()
    middle = len(whole) // 2
    broken = {
        "empty": b"",
        "truncated": whole[:middle],
        "overwritten": whole[:1000] + b"\xff" * (middle - 1000) + whole[middle:],
        "text": b"a,b\n1,2\n" * 100,
    }
    path.write_bytes(broken[damage])
    with pytest.raises(DataError, match=r"f.parquet must be readable as Parquet; ") as caught:
        _column(path, "parquet")
    assert "\n" not in str(caught.value)


def test_parquet_file_that_vanished_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.parquet must be readable as Parquet; .*No such"):
        _column(tmp_path / "gone.parquet", "parquet")


@pytest.mark.parametrize(("name", "compression"), [("f.tfrecord", ""), ("f.tfrecord.gz", "GZIP")])
def test_tfrecord_is_read_in_order(tmp_path: Path, name: str, compression: str) -> None:
    rows = [{"a": [i]} if i % 7 else {"b": [0]} for i in range(20_000)]
    _write_examples(tmp_path / name, rows, compression)
    expected = [[i] if i % 7 else None for i in range(20_000)]
    assert _column(tmp_path / name, "tfrecord") == expected


def test_tfrecord_feature_may_be_absent_from_whole_batches(tmp_path: Path) -> None:
    _write_examples(tmp_path / "f.tfrecord", [{"b": [0]}] * 20_000 + [{"a": [1]}])
    values = _column(tmp_path / "f.tfrecord", "tfrecord")
    assert values[-1] == [1]
    assert set(map(str, values[:-1])) == {"None"}


def test_tfrecord_feature_absent_throughout_is_named(tmp_path: Path) -> None:
    _write_examples(tmp_path / "f.tfrecord", [{"click": [0]}])
    with pytest.raises(DataError, match=r"column 'clik' \(wanted by a label\); nearest is 'click'"):
        list(_rows(tmp_path / "f.tfrecord", "tfrecord", {"clik": "int"}))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "other", "tail"])
def test_tfrecord_damage_is_one_error(tmp_path: Path, suffix: str, damage: str) -> None:
    path = tmp_path / f"f.tfrecord{suffix}"
    rows = [{"a": [i * 7919 % 104_729]} for i in range(5_000)]
    _write_examples(path, rows, "GZIP" if suffix else "")
    whole = path.read_bytes()
    middle = len(whole) // 2
    broken = {
        "truncated": whole[:middle],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
        "other": b"a,b\n1,2\n" * 100,
        "tail": whole + b"\x05\0\0",
    }
    path.write_bytes(broken[damage])
    with pytest.raises(DataError, match=r"must be readable as TFRecord of tf.Example") as caught:
        _column(path, "tfrecord")
    assert str(path) in str(caught.value)


def test_tfrecord_of_something_else_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "f.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(struct.pack("<I", 0xFFFFFFFF) * 4)
    with pytest.raises(DataError, match=r"must be readable as TFRecord of tf.Example"):
        _column(path, "tfrecord")


@pytest.mark.parametrize("kind", ["parquet", "avro", "csv", "tfrecord"])
def test_remote_files_are_read_like_local_ones(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"f.{kind}"
    if kind == "parquet":
        write_parquet(path, {"a": range(30_000)})
    elif kind == "avro":
        write_avro(path, [{"name": "a", "type": "int"}], [{"a": i} for i in range(30_000)])
    elif kind == "csv":
        path.write_text("a\n" + "".join(f"{i}\n" for i in range(30_000)))
    else:
        _write_examples(path, [{"a": [i]} for i in range(30_000)])
    remote = f"ram://test/f.{kind}"
    tf.io.gfile.copy(str(path), remote)
    reader = Reader(make_spec(remote, kind, columns={"a": "int"}), [remote])
    values = [v for chunk in reader.rows(("a",)) for v in chunk.column("a").to_pylist()]
    assert [int(v[0] if isinstance(v, list) else v) for v in values] == list(range(30_000))


def test_remote_file_that_is_broken_is_named_as_given() -> None:
    remote = "ram://test/broken.csv"
    with tf.io.gfile.GFile(remote, "wb") as file:
        file.write("a,b\n1\n")
    reader = Reader(make_spec(remote, "csv", columns={"a": "int"}), [remote])
    with pytest.raises(DataError, match=r"^ram://test/broken.csv must be readable as CSV"):
        list(reader.rows(("a",)))
