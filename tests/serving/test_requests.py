"""JSON requests to tf.Examples: what is accepted, and each refusal by name."""

import json
import struct

import pytest
import tensorflow as tf

from rankbeam.serving.examples import FeatureType
from rankbeam.serving.requests import examples_from_json, examples_from_request
from rankbeam.transform.errors import DataError

TYPES = {
    "user": FeatureType.BYTES,
    "age": FeatureType.INT,
    "price": FeatureType.FLOAT,
    "tags": FeatureType.BYTES,
}


def _parsed(serialized: bytes) -> dict[str, tuple[str, list[object]]]:
    """Feature -> (list kind, values), by tf.train.Example's own parser."""
    example = tf.train.Example.FromString(serialized)
    return {
        name: (feature.WhichOneof("kind"), list(getattr(feature, feature.WhichOneof("kind")).value))
        for name, feature in example.features.feature.items()
    }


def test_requests_one_object_is_one_example() -> None:
    (serialized,) = examples_from_json('{"user": "ü", "age": -3, "price": 2}', TYPES)
    assert _parsed(serialized) == {
        "user": ("bytes_list", ["ü".encode()]),
        "age": ("int64_list", [-3]),
        "price": ("float_list", [2.0]),
    }


def test_requests_list_keeps_order() -> None:
    rows = examples_from_json('[{"age": 1}, {}, {"age": 2}]', TYPES)
    assert [_parsed(row).get("age") for row in rows] == [
        ("int64_list", [1]),
        None,
        ("int64_list", [2]),
    ]


def test_requests_null_and_empty_list_are_missing() -> None:
    (serialized,) = examples_from_json('{"user": null, "tags": [], "age": 0, "price": 0}', TYPES)
    assert _parsed(serialized) == {"age": ("int64_list", [0]), "price": ("float_list", [0.0])}


def test_requests_zero_empty_string_and_false_are_values() -> None:
    (serialized,) = examples_from_json('{"user": "", "age": false, "price": -0.0}', TYPES)
    assert _parsed(serialized) == {
        "user": ("bytes_list", [b""]),
        "age": ("int64_list", [0]),
        "price": ("float_list", [-0.0]),
    }


def test_requests_lists_are_multivalent() -> None:
    (serialized,) = examples_from_json('{"tags": ["a", "b", "a"]}', TYPES)
    assert _parsed(serialized) == {"tags": ("bytes_list", [b"a", b"b", b"a"])}


def test_requests_bytes_do_not_depend_on_key_order() -> None:
    first = examples_from_json('{"user": "a", "age": 1, "price": 2.5}', TYPES)
    second = examples_from_json('{"price": 2.5, "age": 1, "user": "a"}', TYPES)
    assert first == second


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_requests_whole_int64_range(number: int) -> None:
    (serialized,) = examples_from_request({"age": number}, TYPES)
    assert _parsed(serialized)["age"] == ("int64_list", [number])


def test_requests_float_is_rounded_to_float32() -> None:
    (serialized,) = examples_from_request({"price": 0.1}, TYPES)
    assert _parsed(serialized)["price"][1] == [struct.unpack("f", struct.pack("f", 0.1))[0]]


BAD = [
    ('{"age": 1.5}', r"request\[0\]\.age must be an integer of 64 bits.*; got 1\.5"),
    ('{"age": "1"}', r'request\[0\]\.age must be an integer.*; got "1"'),
    ('{"age": 9223372036854775808}', r"request\[0\]\.age must be an integer of 64 bits"),
    ('[{}, {"age": {}}]', r"request\[1\]\.age must be an integer.*; got \{\}"),
    ('{"price": true}', r"request\[0\]\.price must be a finite number.*; got true"),
    ('{"price": NaN}', r"request\[0\]\.price must be a finite number.*; got NaN"),
    ('{"price": 1e39}', r"request\[0\]\.price must be a finite number within float32; got 1e\+39"),
    ('{"price": 1e999}', r"request\[0\]\.price must be a finite number.*; got Infinity"),
    ('{"price": 1' + "0" * 400 + "}", r"request\[0\]\.price must be a finite number"),
    ('{"user": 3}', r"request\[0\]\.user must be a string of Unicode characters; got 3"),
    ('{"user": "\\ud800"}', r"request\[0\]\.user must be a string of Unicode characters"),
    ('{"tags": ["a", null]}', r"request\[0\]\.tags\[1\] must be a string.*; got null"),
    ('{"tags": [["a"]]}', r'request\[0\]\.tags\[0\] must be a string.*; got \["a"\]'),
    (
        '{"usr": "a"}',
        r"request\[0\] must name features of the model; got 'usr'; did you mean 'user'",
    ),
    ('{"q": "a"}', r"got 'q'; known: age, price, tags, user"),
    ("[]", "request must hold at least one object; got an empty list"),
    ("3", r"request\[0\] must be an object of feature -> value; got 3"),
    ('["a"]', r'request\[0\] must be an object of feature -> value; got "a"'),
    ("{", "request must be JSON; Expecting property name"),
    ("", "request must be JSON; Expecting value"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[text[:24] for text, _ in BAD])
def test_requests_refusals_name_row_and_feature(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        examples_from_json(text, TYPES)


def test_requests_long_values_are_cut_in_messages() -> None:
    with pytest.raises(DataError) as raised:
        examples_from_request({"age": "x" * 10_000}, TYPES)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "value", [0, -1, 1.5, True, None, "", "é", [], [1], ["a"], [None], {}, [[]], 2**70, -1e308]
)
@pytest.mark.parametrize("name", TYPES)
def test_requests_any_value_is_read_or_refused_by_name(name: str, value: object) -> None:
    text = json.dumps({name: value})
    try:
        (serialized,) = examples_from_json(text, TYPES)
    except DataError:
        with pytest.raises(DataError, match=rf"^request\[0\]\.{name}(\[0\])? must be "):
            examples_from_json(text, TYPES)
    else:
        assert set(_parsed(serialized)) <= {name}
