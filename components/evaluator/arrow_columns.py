"""Labels, weights and slice values out of an Arrow record batch of tf.Examples."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rankbeam.components.evaluator.slices import SliceColumn
from rankbeam.components.evaluator.spec import SliceValue
from rankbeam.transform.errors import DataError


def label_column(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """(N,) outcomes of a label column.

    Raises:
        DataError: A row has no outcome, several, or one that is neither 0 nor 1.
    """
    values, lengths = _list_column(batch, name)
    wrong = np.count_nonzero(lengths != 1)
    if wrong:
        raise DataError(
            f"label {name} must have one value in every row that is evaluated; "
            f"got {wrong} of {batch.num_rows} rows with none or several"
        )
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise DataError(f"label {name} must be a number; got {values.type}")
    labels = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    outside = labels[(labels != 0) & (labels != 1)]
    if len(outside):
        raise DataError(f"label {name} must be 0 or 1 in every row; got {outside[0]:g}")
    return labels


def slice_column(batch: pa.RecordBatch, name: str) -> SliceColumn:
    """The values of a column to slice by; no values where the batch lacks the column.

    Raises:
        DataError: A value is no UTF-8 text.
    """
    values, lengths = _list_column(batch, name)
    if pa.types.is_null(values.type):
        return SliceColumn((), np.zeros(0, np.int64), np.zeros(batch.num_rows, np.int64))
    encoded = values.dictionary_encode()
    return SliceColumn(
        values=[_plain(value, name) for value in encoded.dictionary.to_pylist()],
        codes=np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64),
        lengths=lengths,
    )


def _list_column(batch: pa.RecordBatch, name: str) -> tuple[Any, npt.NDArray[np.int64]]:
    """All values of a column, and how many each row has."""
    index = batch.schema.get_field_index(name)
    if index < 0 or pa.types.is_null(batch.schema.field(index).type):
        return pa.nulls(0), np.zeros(batch.num_rows, np.int64)
    column = batch.column(index)
    lengths = column.value_lengths().fill_null(0)
    return column.flatten(), np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)


def _plain(value: Any, column: str) -> SliceValue:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise DataError(f"slice column {column} must be UTF-8 text; got {value!r}") from None
    if isinstance(value, float):
        # tf.Example holds float32. Its shortest decimal is what a gate's config says: 0.1, not
        # 0.10000000149.
        return float(str(np.float32(value)))
    return value if isinstance(value, int) else str(value)
