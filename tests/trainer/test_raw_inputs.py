"""Dense requests to sparse columns, and names that a signature takes."""

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.trainer.raw_inputs import MISSING_INT, absent_column, safe_names, sparse_columns


@pytest.mark.parametrize(
    ("dtype", "missing", "values"),
    [
        (tf.string, b"", [b"a", b"b", b"c"]),
        (tf.int64, MISSING_INT, [0, -1, 7]),
        (tf.float32, float("nan"), [0.0, -1.5, float("inf")]),
    ],
)
def test_sparse_columns_leave_missing_values_out(
    dtype: tf.DType, missing: object, values: list[object]
) -> None:
    a, b, c = values
    dense = tf.constant(
        [[a, missing, b], [missing, missing, missing], [missing, c, missing]], dtype
    )
    column = sparse_columns({"x": dense})["x"]
    # Values that follow a missing one move up, as in a parsed tf.Example.
    np.testing.assert_array_equal(column.indices.numpy(), [[0, 0], [0, 1], [2, 0]])
    np.testing.assert_array_equal(column.values.numpy(), np.array([a, b, c]))
    assert int(column.dense_shape[0]) == 3


def test_absent_column_has_rows_and_no_values() -> None:
    column = absent_column(tf.string, tf.constant(4, tf.int64))
    assert column.dense_shape.numpy().tolist() == [4, 1]
    assert column.values.shape == (0,)


def test_safe_names_keep_identifiers_and_number_the_rest() -> None:
    names = safe_names(["device", "Zip Code", "_hidden", "x_2020"])
    assert names == {
        "device": "device",
        "Zip Code": "column_at_1",
        "_hidden": "column_at_2",
        "x_2020": "x_2020",
    }
