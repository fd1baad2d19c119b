"""The first rows of TFRecord files of tf.Example, as Arrow."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from rankbeam.transform.errors import DataError

_BATCH_ROWS = 8192


def example_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches of `path`, every column a list.

    Raises:
        DataError: The file is no TFRecord, or its records are no tf.Examples.
    """
    compression = "GZIP" if path.suffix == ".gz" else ""
    decoder = ExamplesToRecordBatchDecoder()
    try:
        for records in tf.data.TFRecordDataset(str(path), compression).batch(_BATCH_ROWS):
            yield decoder.DecodeBatch(list(records.numpy()))
    except (tf.errors.OpError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"file must be readable as TFRecord of tf.Example; got {path}: {reason}"
        ) from None


def scalars(table: pa.Table) -> pa.Table:
    """The table by column name, without lists where no row has more than one value."""
    names = sorted(table.column_names)
    return pa.table([_scalar(table.column(name)) for name in names], names=names)


def _scalar(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_null(column.type):
        return column
    if pa.types.is_large_binary(column.type.value_type):
        column = column.cast(pa.large_list(pa.large_string()))
    longest = pc.max(pc.list_value_length(column)).as_py()
    if longest is not None and longest > 1:
        return column
    values = pa.array([row[0] if row else None for row in column.to_pylist()])
    return pa.chunked_array([values])
