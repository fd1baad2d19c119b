"""Odd plans, odd splits, schemas that do not fit, and what is in the saved graph."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.protobuf import saved_model_pb2

from rankbeam.transform.errors import DataError
from rankbeam.transform.layout import read_layout, read_vocabularies
from tests.transform.running import Row, Transformed, apply_layer, bound, options_of, run

PRICE = {"price": {"kind": "numeric"}}


@pytest.mark.parametrize(
    ("features", "types", "row", "expected"),
    [
        (
            {"user": {"kind": "id", "hash_buckets": 1}},
            {"user": tf.string},
            {"user": [b"u"]},
            {"user": [[1]]},
        ),
        (
            {"tags": {"kind": "multivalent", "max_values": 2}},
            {"tags": tf.int64},
            {"tags": [5, 5, 5]},
            {"tags": [[2, 2]]},
        ),
        (PRICE, {"price": tf.int64}, {"price": [3]}, {"price": [[0.0]]}),
    ],
    ids=["hashed only", "vocabulary only", "numeric only"],
)
def test_transform_of_a_single_feature(
    features: dict[str, Any],
    types: dict[str, tf.DType],
    row: Row,
    expected: dict[str, Any],
    tmp_path: Path,
) -> None:
    options = options_of(features)
    done = run([row], types, bound(options), tmp_path)
    assert {name: matrix.tolist() for name, matrix in done.matrices.items()} == expected
    served = apply_layer(done, [row], types)
    assert {name: matrix.tolist() for name, matrix in served.items()} == expected
    assert list(read_layout(done.folder, options)) == list(features)


def test_transform_of_columns_without_a_value(tmp_path: Path) -> None:
    options = options_of(
        PRICE
        | {
            "word": {"kind": "categorical"},
            "dwell": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 3},
        }
    )
    types = {"price": tf.float32, "word": tf.string, "dwell": tf.float32}
    done = run([{}, {}], types, bound(options), tmp_path)
    assert done.matrices["price"].tolist() == [[0.0], [0.0]]
    assert done.matrices["word"].tolist() == [[0], [0]]
    assert done.matrices["dwell"].tolist() == [[1], [1]]
    assert read_vocabularies(done.folder) == {"word": []}
    later = apply_layer(done, [{"price": [5.0], "word": [b"new"], "dwell": [9.0]}], types)
    assert {name: matrix.tolist() for name, matrix in later.items()} == {
        "price": [[0.0]],
        "word": [[1]],
        "dwell": [[1]],
    }


def _sparse(dtype: tf.DType) -> tf.SparseTensorSpec:
    return tf.SparseTensorSpec([None, None], dtype)


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ({"cost": _sparse(tf.float32)}, "features.price reads column price, which the schema l"),
        ({"price": tf.TensorSpec([None, 1])}, "column price, whose values must be optional in"),
        ({"price": _sparse(tf.string)}, "features.price must read a column of numbers; column p"),
        ({"price": _sparse(tf.float32)}, "label click reads column click, which the schema lacks"),
        (
            {"price": _sparse(tf.float32), "click": _sparse(tf.string)},
            "label click must read a column of numbers; column click holds text",
        ),
    ],
)
def test_transform_rejects_a_schema_that_does_not_fit(specs: dict[str, Any], message: str) -> None:
    function = bound(options_of(PRICE, labels=["click"]))
    with pytest.raises(DataError, match=message):
        tft.get_transform_input_columns(function, specs)


def test_saved_transform_has_standard_ops_only(done: Transformed) -> None:
    saved = saved_model_pb2.SavedModel()
    path = Path(done.folder) / "transform_fn" / "saved_model.pb"
    saved.ParseFromString(path.read_bytes())
    (graph,) = saved.meta_graphs
    library = graph.graph_def.library.function
    names = {function.signature.name for function in library}
    ops = {node.op for node in graph.graph_def.node}
    ops |= {node.op for function in library for node in function.node_def}
    assert {op for op in ops - names if not hasattr(tf.raw_ops, op)} == set()
    assert "LookupTableFindV2" in ops
