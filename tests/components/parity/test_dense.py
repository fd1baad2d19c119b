"""Dense columns: what they can say and what not, by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.components.parity.columns import Column, column_of
from rankbeam.components.parity.dense import dense_columns
from rankbeam.transform.errors import DataError

NAN = float("nan")
SMALLEST = -(2**63)


def _sparse(rows: Sequence[Sequence[object]], dtype: tf.DType) -> tf.SparseTensor:
    return tf.RaggedTensor.from_row_lengths(
        tf.constant([value for row in rows for value in row], dtype), [len(row) for row in rows]
    ).to_sparse()


def test_dense_columns_mark_missing_values() -> None:
    columns = (
        Column("device", tf.string, multivalent=False),
        Column("partner", tf.int64, multivalent=False),
        Column("age", tf.float32, multivalent=False),
        Column("tags", tf.string, multivalent=True),
    )
    parsed = {
        "device": _sparse([[b"phone"], []], tf.string),
        "partner": _sparse([[], [7]], tf.int64),
        "age": _sparse([[], [1.5]], tf.float32),
        "tags": _sparse([[b"a", b"b"], [b"c"]], tf.string),
    }
    dense, said = dense_columns(parsed, columns, 2)
    assert said.tolist() == [True, True]
    assert dense["device"].tolist() == [[b"phone"], [b""]]
    assert dense["partner"].tolist() == [[SMALLEST], [7]]
    np.testing.assert_array_equal(dense["age"], np.array([[NAN], [1.5]], np.float32))
    assert dense["tags"].tolist() == [[b"a", b"b"], [b"c", b""]]
    assert [dense[name].dtype.kind for name in ("device", "partner", "age")] == ["O", "i", "f"]


@pytest.mark.parametrize(
    ("dtype", "multivalent", "values", "said"),
    [
        (tf.string, False, [b""], False),
        (tf.string, False, [b"a", b"b"], False),
        (tf.string, True, [b"a", b"", b"b"], False),
        (tf.string, True, [], True),
        (tf.int64, False, [SMALLEST], False),
        (tf.int64, False, [SMALLEST + 1], True),
        (tf.float32, False, [NAN], True),
        (tf.float32, False, [float("inf")], True),
        (tf.float32, False, [1.0, 2.0], False),
        (tf.float32, True, [1.0, NAN], False),
        (tf.float32, True, [1.0, 2.0], True),
    ],
)
def test_dense_columns_tell_what_they_cannot_say(
    dtype: tf.DType, multivalent: bool, values: list[object], said: bool
) -> None:
    column = Column("x", dtype, multivalent)
    other = Column("other", tf.string, multivalent=False)
    parsed = {"x": _sparse([values, []], dtype), "other": _sparse([[b"here"], []], tf.string)}
    dense, found = dense_columns(parsed, (column, other), 2)
    assert found.tolist() == [said, True]
    # A row that cannot be said is sent as if all were missing.
    assert dense["other"].tolist() == [[b"here" if said else b""], [b""]]


def test_dense_column_of_another_type_is_refused() -> None:
    with pytest.raises(DataError, match="column x must be string, int64 or float32; got float64"):
        column_of("x", tf.TensorSpec((None, 1), tf.float64))
    assert column_of("x", tf.TensorSpec((None, None), tf.string)).multivalent
