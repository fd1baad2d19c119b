"""Serialized tf.Examples, against protobuf's own deterministic serialization."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from rankbeam.components.example_gen.tf_example import encode_examples

_TYPES = {"int64_list": pa.int64(), "float_list": pa.float32(), "bytes_list": pa.binary()}
_EDGES: dict[str, list[Any]] = {
    "int64_list": [0, 1, 127, 128, 16_383, 16_384, 2**62, 2**63 - 1, -1, -(2**63)],
    "float_list": [0.0, -0.0, 1.5, float("inf"), 3.4028234663852886e38],
    "bytes_list": [b"", b"a", "é".encode(), b"x" * 127, b"x" * 128, b"\x00\xff" * 10_000],
}


def _serialized(row: dict[str, list[Any] | None], kinds: dict[str, str]) -> bytes:
    example = tf.train.Example()
    for name, values in row.items():
        feature = example.features.feature[name]
        if values is not None:
            values_of = getattr(feature, kinds[name])
            values_of.SetInParent()
            values_of.value.extend(values)
    data: bytes = example.SerializeToString(deterministic=True)
    return data


def _batch(rows: list[dict[str, list[Any] | None]], kinds: dict[str, str]) -> pa.RecordBatch:
    columns = [
        pa.array([row[name] for row in rows], pa.list_(_TYPES[kind]))
        for name, kind in kinds.items()
    ]
    return pa.RecordBatch.from_arrays(columns, list(kinds))


@pytest.mark.parametrize("kind", list(_TYPES))
def test_encode_examples_of_edge_values(kind: str) -> None:
    kinds = {"f": kind}
    lists = [None, [], *([value] for value in _EDGES[kind]), _EDGES[kind], _EDGES[kind] * 50]
    rows: list[dict[str, list[Any] | None]] = [{"f": values} for values in lists]
    assert encode_examples(_batch(rows, kinds)) == [_serialized(row, kinds) for row in rows]


def test_encode_examples_of_random_rows() -> None:
    generator = np.random.default_rng(0)
    kinds = {"z": "int64_list", "é": "float_list", "a": "bytes_list", "n" * 200: "bytes_list"}

    def values(kind: str) -> list[Any] | None:
        if generator.random() < 0.2:
            return None
        picked = generator.integers(0, len(_EDGES[kind]) - 1, generator.choice([0, 1, 1, 3, 40]))
        return [_EDGES[kind][place] for place in picked]

    rows = [{name: values(kind) for name, kind in kinds.items()} for _ in range(500)]
    batch = _batch(rows, kinds)
    expected = [_serialized(row, kinds) for row in rows]
    assert encode_examples(batch) == expected
    assert encode_examples(batch.slice(5, 30)) == expected[5:35]
    assert encode_examples(batch.slice(0, 0)) == []


def test_encode_examples_does_not_depend_on_column_order() -> None:
    kinds = {"b": "int64_list", "a": "bytes_list"}
    rows: list[dict[str, list[Any] | None]] = [{"b": [1], "a": [b"x"]}]
    swapped = dict(reversed(kinds.items()))
    assert encode_examples(_batch(rows, kinds)) == encode_examples(_batch(rows, swapped))
