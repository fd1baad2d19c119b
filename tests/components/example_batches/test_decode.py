"""Batches are what tfx_bsl decodes, which parses every example as a protobuf message."""

import re
from pathlib import Path

import pyarrow as pa
import pytest
import tensorflow as tf
from tfx_bsl.coders import example_coder

from rankbeam.components.example_batches.decode import record_batches
from rankbeam.components.example_batches.kinds import Kind, kinds_of_schema
from rankbeam.components.example_batches.missing import MissingFinder
from rankbeam.components.example_batches.records import BATCH_ROWS, split_files
from rankbeam.transform.errors import DataError
from tests.components.example_batches.artifact import write_examples
from tests.components.tf_examples import encode, tear, write_records

KINDS: dict[str, Kind | None] = {
    "age": "int",
    "city": "bytes",
    "click": "int",
    "late": "int",
    "never": None,
    "price": "float",
    "tags": "bytes",
}


def _decoded(file: str) -> list[pa.RecordBatch]:
    """By tfx_bsl, in batches as large as ours."""
    records = list(tf.data.TFRecordDataset(file, "GZIP").as_numpy_iterator())
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    starts = range(0, len(records), BATCH_ROWS)
    return [decoder.DecodeBatch(records[start : start + BATCH_ROWS]) for start in starts]


def test_batches_equal_those_of_tfx_bsl_with_empty_lists_and_missing_ones(tmp_path: Path) -> None:
    examples = write_examples(tmp_path, 2 * BATCH_ROWS + 100, 10)
    [file] = split_files(f"{examples.uri}/Split-train")
    found = list(record_batches(file, KINDS, tell_empty=True))
    expected = _decoded(file)
    assert [batch.num_rows for batch in found] == [BATCH_ROWS, BATCH_ROWS, 100]
    for batch, other in zip(found, expected, strict=True):
        assert batch.schema.names == list(KINDS)
        for name in KINDS:
            assert batch.column(name).type == other.column(name).type, name
            assert batch.column(name).to_pylist() == other.column(name).to_pylist(), name
    # The oracle saw all three states that the bytes of ExampleGen can be in.
    states = expected[0].column("tags").to_pylist()
    assert None in states
    assert [] in states


def test_batches_for_a_schema_keep_their_types(tmp_path: Path) -> None:
    examples = write_examples(tmp_path, 50, 10)
    [file] = split_files(f"{examples.uri}/Split-train")
    kinds: dict[str, Kind | None] = {"late": "int", "tags": "bytes"}
    [batch] = record_batches(file, kinds, tell_empty=False)
    assert kinds_of_schema(batch.schema) == kinds
    assert batch.column("late").null_count == 50
    # Both an empty list and a missing one.
    lists = [None, [b"t0"], [b"t0", b"t1"], [b"t0", b"t1", b"t2"], None]
    assert batch.column("tags").to_pylist()[:5] == lists


def test_missing_is_told_where_the_bytes_do_not_decide() -> None:
    misleading = "\n\x04tags\x12\x00"
    records = encode([{"tags": [], "city": "a"}, {"city": "b"}, {"city": misleading}])
    empty = tf.train.Example()
    empty.features.feature["tags"].bytes_list.SetInParent()
    empty.features.feature["city"].bytes_list.value.append(misleading.encode())
    rows = tf.constant([*records, empty.SerializeToString()]).numpy()
    assert MissingFinder({"tags": "bytes"}).missing("tags", rows).tolist() == [
        True,
        True,
        True,
        False,
    ]


def test_batches_of_no_rows_are_none(tmp_path: Path) -> None:
    write_records(tmp_path, [])
    [file] = split_files(str(tmp_path))
    assert list(record_batches(file, {"city": "bytes"}, tell_empty=True)) == []


def test_a_value_of_another_kind_is_an_error(tmp_path: Path) -> None:
    write_records(tmp_path, [{"city": 1}])
    [file] = split_files(str(tmp_path))
    rule = re.escape(f"{file} must hold examples that fit the schema; ")
    with pytest.raises(DataError, match=f"{rule}.*Data types don't match"):
        list(record_batches(file, {"city": "bytes"}, tell_empty=False))


def test_a_damaged_file_is_an_error_of_the_data(tmp_path: Path) -> None:
    write_records(tmp_path, [{"city": "a"}] * 100)
    [file] = split_files(str(tmp_path))
    tear(Path(file))
    with pytest.raises(DataError, match=r"must hold examples that fit .*(trunc|corrupt)"):
        list(record_batches(file, {"city": "bytes"}, tell_empty=False))


def test_a_file_that_is_not_there_is_not_the_datas_fault(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="No such file"):
        list(record_batches(str(tmp_path / "none.gz"), {"city": "bytes"}, tell_empty=False))
