"""From parsed columns to what the dense signature takes, where it can say the same.

The dense form marks a missing value by "", the smallest int64 or NaN. It therefore cannot say a
value that is its own mark, nor two values where a column takes one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rankbeam.components.parity.columns import Column

Dense = npt.NDArray[np.generic]
Mask = npt.NDArray[np.bool_]

MARKS: Mapping[tf.DType, object] = {
    tf.string: b"",
    tf.int64: int(tf.int64.min),
    tf.float32: float("nan"),
}


def dense_columns(
    parsed: Mapping[str, tf.SparseTensor], columns: Sequence[Column], count: int
) -> tuple[dict[str, Dense], Mask]:
    """Dense columns, and which rows they say in full; the others are filled with missing values.

    Args:
        parsed: column name -> (B, ?) values, as training parses a tf.Example.
        columns: the columns that the dense signature takes.
        count: B.
    """
    lists = {column.name: _lists(parsed[column.name], count) for column in columns}
    said = np.ones(count, dtype=bool)
    for column in columns:
        said &= np.array([_can_say(values, column) for values in lists[column.name]], dtype=bool)
    dense = {
        column.name: _filled(
            [values if ok else [] for values, ok in zip(lists[column.name], said, strict=True)],
            column,
        )
        for column in columns
    }
    return dense, said


def _lists(values: tf.SparseTensor, count: int) -> list[list[object]]:
    rows: list[list[object]] = [[] for _ in range(count)]
    for (row, _), value in zip(values.indices.numpy(), values.values.numpy(), strict=True):
        rows[row].append(value)
    return rows


def _can_say(values: list[object], column: Column) -> bool:
    if len(values) > 1 and not column.multivalent:
        return False
    if column.dtype == tf.float32:
        # A single NaN is a missing value in both forms; one in a list would make the rest move up.
        return len(values) <= 1 or not any(np.isnan(values))  # type: ignore[arg-type]
    return MARKS[column.dtype] not in values


def _filled(rows: list[list[object]], column: Column) -> Dense:
    width = max([1, *(len(values) for values in rows)])
    dtype = object if column.dtype == tf.string else column.dtype.as_numpy_dtype
    dense = np.full((len(rows), width), MARKS[column.dtype], dtype=dtype)
    for row, values in enumerate(rows):
        dense[row, : len(values)] = values
    return dense
