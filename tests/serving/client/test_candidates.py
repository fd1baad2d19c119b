"""Context and candidates to tf.Examples, against one protobuf built for each candidate."""

import random
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.serving.client.candidates import CandidateEncoder
from rankbeam.serving.examples import FeatureType
from rankbeam.transform.errors import DataError

TYPES = {
    "user": FeatureType.BYTES,
    "age": FeatureType.INT,
    "price": FeatureType.FLOAT,
    "tags": FeatureType.BYTES,
}
LISTS = {
    FeatureType.BYTES: "bytes_list",
    FeatureType.FLOAT: "float_list",
    FeatureType.INT: "int64_list",
}


def _oracle(context: dict[str, Any], candidate: dict[str, Any]) -> tf.train.Example:
    example = tf.train.Example()
    for name, value in {**context, **candidate}.items():
        if name not in TYPES or value is None:
            continue
        values = value if isinstance(value, list) else [value]
        values = [v.encode() if isinstance(v, str) else v for v in values]
        # protobuf 6 takes no booleans as numbers.
        values = [int(v) if isinstance(v, bool) else v for v in values]
        if values:
            feature = example.features.feature[name]
            getattr(feature, LISTS[TYPES[name]]).value.extend(values)
    return example


def _random_fields(rng: random.Random) -> dict[str, Any]:
    choices: dict[str, list[Any]] = {
        "user": ["ada", "", "ü" * 80, None],
        "age": [0, -1, 255, 256, 2**62, [], True],
        "price": [0.5, 3, -0.0, None],
        "tags": [["a", "b"], "c", [], ["x" * 300]],
        "id": ["anything", object()],
    }
    names = rng.sample(sorted(choices), rng.randrange(6))
    return {name: rng.choice(choices[name]) for name in names}


@pytest.mark.parametrize("seed", range(50))
def test_candidates_are_the_context_with_the_candidates_fields_on_top(seed: int) -> None:
    rng = random.Random(seed)
    context = _random_fields(rng)
    candidates = [_random_fields(rng) for _ in range(8)]
    encoded = CandidateEncoder(TYPES).encode(context, candidates, None)
    for serialized, candidate in zip(encoded.examples, candidates, strict=True):
        assert tf.train.Example.FromString(serialized) == _oracle(context, candidate)
        # Each feature stands there once: TensorFlow's parser warns of what is repeated.
        assert len(serialized) == _oracle(context, candidate).ByteSize()


def test_candidates_tell_what_is_not_sent_and_what_is_missing() -> None:
    context = {"user": "ada", "session": 3}
    encoded = CandidateEncoder(TYPES).encode(context, [{"id": 1}, {"price": 2.0, "id": 2}], None)
    assert encoded.unsent == ("id", "session")
    assert encoded.missing == ("age", "tags")


def test_candidates_take_numpys_values_and_bytes() -> None:
    candidate = {
        "user": b"\xff",
        "age": np.int32(7),
        "price": np.float32(0.5),
        "tags": np.array(["a", "b"]),
    }
    [serialized] = CandidateEncoder(TYPES).encode({}, [candidate], None).examples
    plain = {"user": b"\xff", "age": 7, "price": 0.5, "tags": ["a", "b"]}
    assert tf.train.Example.FromString(serialized) == _oracle({}, plain)


BAD: list[tuple[dict[Any, Any], dict[Any, Any], str]] = [
    ({"age": 1.5}, {}, r"context\.age must be an integer of 64 bits.*; got 1\.5"),
    ({}, {"age": "3"}, r'candidates\[1\]\.age must be an integer.*; got "3"'),
    ({}, {"price": float("nan")}, r"candidates\[1\]\.price must be a finite number"),
    ({}, {"tags": ["a", 3]}, r"candidates\[1\]\.tags\[1\] must be a string.*; got 3"),
    ({}, {"user": object()}, r"candidates\[1\]\.user must be a string.*; got <object"),
    ({}, {3: 1}, r"candidates\[1\] must have strings as names; got 3"),
    ({3: 1}, {}, r"context must have strings as names; got 3"),
]


@pytest.mark.parametrize(("context", "candidate", "message"), BAD)
def test_candidates_refusals_say_where(
    context: dict[Any, Any], candidate: dict[Any, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        CandidateEncoder(TYPES).encode(context, [{}, candidate], None)


def test_candidates_local_fields_are_held_to_their_list() -> None:
    encoder = CandidateEncoder(TYPES)
    rows: list[dict[str, object]] = [{"id": 1}, {"id": 2, "prise": 3.0}]
    message = r"candidates\[1\] must name features .*; got 'prise'; did you mean 'price'\?"
    with pytest.raises(DataError, match=message):
        encoder.encode({}, rows, {"id"})
    with pytest.raises(DataError, match="context must name features of the model; got 'usr'"):
        encoder.encode({"usr": "a"}, rows, {"id", "prise"})
    assert encoder.encode({}, rows, {"id", "prise"}).unsent == ("id", "prise")
