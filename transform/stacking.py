"""From the sparse columns of a batch to one dense matrix: each op runs once for all columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from rankbeam.transform.errors import DataError
from rankbeam.transform.plan import Column

Inputs = Mapping[str, Any]

# Of float32, which is what raw columns and the transform's outputs hold.
_SMALLEST_NORMAL = 2.0**-126


def without_subnormals(numbers: tf.Tensor) -> tf.Tensor:
    """Float numbers with 0.0 for those nearer to 0 than float32's smallest normal number, and -0.0.

    Whether a thread computes with such numbers or takes them for 0 is a setting of its processor,
    which TensorFlow changes for some threads and some ops. Left as they are, the same example could
    come out differently in training and in a server.
    """
    # In float64 they are ordinary numbers, or 0 already: this comparison is the same on any thread.
    is_nothing = tf.abs(tf.cast(numbers, tf.float64)) < _SMALLEST_NORMAL
    return tf.where(is_nothing, tf.zeros_like(numbers), numbers)


def sparse_column(inputs: Inputs, owner: str, column: str) -> tf.SparseTensor:
    """The values of one raw column.

    Raises:
        DataError: The schema has no such column, or gives it a fixed shape (then a missing value
            could not be told from one that is there).
    """
    if column not in inputs:
        known = ", ".join(sorted(inputs))
        raise DataError(f"{owner} reads column {column}, which the schema lacks; it has {known}")
    values = inputs[column]
    if not isinstance(values, tf.SparseTensor):
        raise DataError(
            f"{owner} reads column {column}, whose values must be optional in the schema (no "
            f"shape); got {type(values).__name__}"
        )
    return values


def text_column(inputs: Inputs, column: Column[Any]) -> tf.SparseTensor:
    """The values of an indexed column as strings, the same in training and in serving.

    Strings stay as they are. Integers are written in decimal. Floats are written with up to nine
    significant digits, which tell all float32 apart: 3.0 is "3", as an integer column would say;
    NaN and infinities are dropped, that is, missing; subnormal numbers and -0.0 are 0.
    """
    values = sparse_column(inputs, f"features.{column.name}", column.column)
    if values.dtype == tf.string:
        return values
    if values.dtype.is_integer:
        return values.with_values(tf.strings.as_string(values.values))
    finite = tf.sparse.retain(values, tf.math.is_finite(values.values))
    numbers = without_subnormals(finite.values)
    return finite.with_values(tf.strings.as_string(numbers, precision=9, shortest=True))


def number_column(inputs: Inputs, owner: str, column: str) -> tf.SparseTensor:
    """The values of a numeric or label column as float64.

    Raises:
        DataError: The column holds text.
    """
    values = sparse_column(inputs, owner, column)
    if values.dtype == tf.string:
        raise DataError(f"{owner} must read a column of numbers; column {column} holds text")
    return values.with_values(tf.cast(values.values, tf.float64))


@dataclass(frozen=True)
class Places:
    """Where the values of all columns, one column after the other, belong in the dense matrix.

    Attributes:
        owners: (n,) number of the column that each value comes from; int64.
        targets: (n, 2) row and column of the matrix; values beyond a column's width go to one
            extra column at the end.
        kept: (n,) whether a value is within its column's width.
        shape: Rows and columns of the matrix, with the extra one; int64.
        width: Columns of the matrix, without the extra one.
    """

    owners: tf.Tensor
    targets: tf.Tensor
    kept: tf.Tensor
    shape: tf.Tensor
    width: int

    @staticmethod
    def of(columns: Sequence[tf.SparseTensor], widths: Sequence[int]) -> "Places":
        """Places side by side the first `widths[i]` values of each row of `columns[i]`."""
        owners = _owners(columns)
        rows, positions = tf.unstack(tf.concat([one.indices for one in columns], 0), axis=1)
        total = sum(widths)
        offsets = [sum(widths[:number]) for number in range(len(widths))]
        kept = positions < tf.gather(tf.constant(widths, tf.int64), owners)
        inside = positions + tf.gather(tf.constant(offsets, tf.int64), owners)
        across = tf.where(kept, inside, tf.constant(total, tf.int64))
        shape = tf.stack([columns[0].dense_shape[0], tf.constant(total + 1, tf.int64)])
        return Places(owners, tf.stack([rows, across], axis=1), kept, shape, total)

    def fill(self, values: tf.Tensor, empty: float) -> tf.Tensor:
        """The matrix (B, width) of `values` (n,), with `empty` where there is none."""
        blank = tf.fill(self.shape, tf.constant(empty, values.dtype))
        filled = tf.tensor_scatter_nd_update(blank, self.targets, values)
        return tf.ensure_shape(filled[:, : self.width], [None, self.width])


def _owners(columns: Sequence[tf.SparseTensor]) -> tf.Tensor:
    """The number of the column that each of all values (n,) comes from; int64."""
    lengths = tf.concat(tf.shape_n([one.values for one in columns], tf.int64), axis=0)
    # Not tf.searchsorted, which cannot be given a batch without any value.
    found = tf.raw_ops.UpperBound(
        sorted_inputs=tf.cumsum(lengths)[tf.newaxis],
        values=tf.range(tf.reduce_sum(lengths))[tf.newaxis],
        out_type=tf.int64,
    )
    return found[0]
