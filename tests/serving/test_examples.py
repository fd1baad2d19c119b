"""tf.Examples from the wire up, against protobuf's own reader and writer."""

import math
import random
import struct

import pytest
import tensorflow as tf

from rankbeam.serving.examples import (
    FeatureType,
    encode_entry,
    encode_example,
    plain_encoder,
    varint,
)
from rankbeam.serving.requests import feature_entry

LISTS = {
    FeatureType.BYTES: "bytes_list",
    FeatureType.FLOAT: "float_list",
    FeatureType.INT: "int64_list",
}
VALUES: dict[FeatureType, list[list[object]]] = {
    FeatureType.BYTES: [
        [b""],
        [b"a"],
        [b"\xff\0"],
        [b"a", b"", b"b"],
        [b"x" * 127],
        [b"x" * 70000],
    ],
    FeatureType.FLOAT: [[0.0], [-0.0], [1.5, -2.25], [3.4028234663852886e38], [1e-45] * 100],
    FeatureType.INT: [[0], [-1], [127, 128], [2**63 - 1, -(2**63)], list(range(-300, 300))],
}


def _stock(name: str, kind: FeatureType, values: list[object]) -> bytes:
    example = tf.train.Example()
    getattr(example.features.feature[name], LISTS[kind]).value.extend(values)
    return bytes(example.SerializeToString(deterministic=True))


@pytest.mark.parametrize("name", ["a", "", "ü" * 100])
@pytest.mark.parametrize("kind", FeatureType)
def test_examples_bytes_are_protobufs_own(kind: FeatureType, name: str) -> None:
    for values in VALUES[kind]:
        assert encode_example(encode_entry(name, kind, values)) == _stock(name, kind, values)


def test_examples_without_features_are_empty() -> None:
    assert encode_example(b"") == tf.train.Example().SerializeToString()
    assert encode_entry("a", FeatureType.INT, []) == b""


def test_examples_entries_concatenate() -> None:
    entries = encode_entry("b", FeatureType.INT, [1]) + encode_entry("a", FeatureType.BYTES, [b"x"])
    read = tf.train.Example.FromString(encode_example(entries))
    assert list(read.features.feature["b"].int64_list.value) == [1]
    assert list(read.features.feature["a"].bytes_list.value) == [b"x"]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**32, 2**63 - 1, -1, -(2**63)])
def test_examples_varint_is_read_back(number: int) -> None:
    read = tf.train.Int64List.FromString(b"\x0a" + bytes([len(varint(number))]) + varint(number))
    assert list(read.value) == [number]


def _random_value(kind: FeatureType, rng: random.Random) -> object:
    if kind is FeatureType.BYTES:
        return "".join(chr(rng.choice([65, 233, 8364, 128512])) for _ in range(rng.randrange(60)))
    if kind is FeatureType.INT:
        return rng.choice([-1, 1]) * rng.randrange(2 ** rng.randrange(1, 64))
    return struct.unpack("<f", struct.pack("<f", rng.uniform(-1e6, 1e6)))[0]


@pytest.mark.parametrize("kind", FeatureType)
def test_examples_fast_encoder_equals_the_general_one(kind: FeatureType) -> None:
    rng = random.Random(5)
    encode = plain_encoder("feature", kind)
    for _ in range(500):
        value = _random_value(kind, rng)
        values = [_random_value(kind, rng) for _ in range(rng.randrange(4))]
        assert encode(value) == feature_entry("x", "feature", value, kind)
        assert encode(values) == feature_entry("x", "feature", values, kind)


BEYOND: dict[FeatureType, list[object]] = {
    FeatureType.BYTES: [b"raw", "\ud800", None, 1, ["a", 1], ("a",)],
    FeatureType.FLOAT: [1, True, math.nan, math.inf, -1e39, None, "1", [1.0, 1], (1.0,)],
    FeatureType.INT: [True, 1.0, 2**63, -(2**63) - 1, None, "1", [1, True], (1,)],
}


@pytest.mark.parametrize("kind", FeatureType)
def test_examples_fast_encoder_leaves_the_rest_to_others(kind: FeatureType) -> None:
    encode = plain_encoder("feature", kind)
    assert [encode(value) for value in BEYOND[kind]] == [None] * len(BEYOND[kind])
