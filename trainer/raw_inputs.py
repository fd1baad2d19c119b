"""Raw requests to what the transform graph reads: sparse tensors, absent where a value is missing.

Two ways in: serialized tf.Examples, where a missing value is an absent feature, and one dense
tensor for each column, where a stand-in marks it: NaN, "" or the smallest int64.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

MISSING_INT = tf.int64.min
"""Stands for a missing value in a dense int64 column."""
_IDENTIFIER = re.compile("[A-Za-z][A-Za-z0-9_]*")


def parse_examples(examples: tf.Tensor, raw_spec: Mapping[str, Any]) -> dict[str, tf.SparseTensor]:
    """Serialized tf.Examples, string (B,), to sparse columns (B, ?)."""
    columns: dict[str, tf.SparseTensor] = tf.io.parse_example(examples, dict(raw_spec))
    return columns


def sparse_columns(dense: Mapping[str, tf.Tensor]) -> dict[str, tf.SparseTensor]:
    """Dense columns (B, V) to sparse ones; values after a missing one move up."""
    return {name: _without_missing(values) for name, values in dense.items()}


def absent_column(dtype: tf.DType, rows: tf.Tensor) -> tf.SparseTensor:
    """A column (B, 1) without any value; `rows` is B, int64."""
    return tf.SparseTensor(
        indices=tf.zeros((0, 2), tf.int64),
        values=tf.zeros((0,), dtype),
        dense_shape=tf.stack([rows, tf.constant(1, tf.int64)]),
    )


def dense_signature(
    raw_spec: Mapping[str, Any], multivalent: Mapping[str, bool]
) -> dict[str, tf.TensorSpec]:
    """Tensor specs of the dense columns: (B, 1), or (B, V) where a column is multivalent."""
    safe = safe_names(raw_spec)
    return {
        name: tf.TensorSpec(
            (None, None if multivalent[name] else 1), feature.dtype, name=safe[name]
        )
        for name, feature in raw_spec.items()
    }


def safe_names(columns: Iterable[str]) -> dict[str, str]:
    """Column name to a name that `tf.saved_model.save` takes: itself, or an identifier."""
    return {
        name: name if _IDENTIFIER.fullmatch(name) else f"column_at_{place}"
        for place, name in enumerate(columns)
    }


def _without_missing(values: tf.Tensor) -> tf.SparseTensor:
    if values.dtype == tf.string:
        present = values != ""
    elif values.dtype.is_floating:
        present = tf.logical_not(tf.math.is_nan(values))
    else:
        present = values != MISSING_INT
    return tf.ragged.boolean_mask(values, present).to_sparse()
