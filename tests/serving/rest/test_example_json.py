"""`examples` and `context` to tf.Examples."""

import math
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import input_pb2

from rankbeam.serving.rest import documents, example_json
from rankbeam.serving.status import Refusal


def _example(value: object) -> tf.train.Example:
    example = tf.train.Example()
    example_json.fill_example(value, example)
    return example


def _expected(feature: str) -> tf.train.Example:
    text = f'features {{ feature {{ key: "f" value {{ {feature} }} }} }}'
    return text_format.Parse(text, tf.train.Example())


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        (1, "int64_list { value: 1 }"),
        ([True, False, 7], "int64_list { value: [1, 0, 7] }"),
        (1.5, "float_list { value: 1.5 }"),
        (2**64, "float_list { value: 18446744073709551616 }"),
        (["é", {"b64": "AP8="}], 'bytes_list { value: ["\\303\\251", "\\000\\377"] }'),
        ([], ""),
    ],
)
def test_feature_has_the_type_of_its_values(value: object, feature: str) -> None:
    assert _example({"f": value}) == _expected(feature)


def test_values_that_are_not_finite_are_decimals() -> None:
    document = documents.parse(b'{"f": [NaN, -Infinity]}')
    found = _example(document).features.feature["f"].float_list.value
    assert math.isnan(found[0])
    assert found[1] == -math.inf


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"f": None}, "Feature: f has element with unexpected JSON type: Null"),
        ({"f": [[1]]}, "Feature: f has element with unexpected JSON type: Array"),
        ({"f": {"a": 1}}, "Feature: f has element with unexpected JSON type: Object"),
        ({"f": [1, 1.5]}, "Unexpected element type in feature: f expecting type: int64"),
        ({"f": ["a", 1]}, "Unexpected element type in feature: f expecting type: bytes"),
        ({"f": 2**63}, "Feature: f has uint64_t element. Only int64_t is supported."),
        ({"f": 10**400}, "JSON Parse error: Number too big to be stored in double."),
        ({"f": float("1e999")}, "JSON Parse error: Number too big to be stored in double."),
        ({"f": "\ud800"}, "JSON Parse error: The surrogate pair in string is invalid."),
        ({"\ud800": 1}, "JSON Parse error: The surrogate pair in string is invalid."),
        ({"f": {"b64": "?"}}, "Unable to base64 decode"),
        ([], "Example must be JSON object but got JSON Array"),
    ],
)
def test_what_is_no_example_is_refused(value: object, message: str) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        _example(value)
    assert raised.value.message == message


def _input(document: dict[str, Any]) -> input_pb2.Input:
    target = input_pb2.Input()
    example_json.fill_input(document, target)
    return target


def test_examples_are_listed_with_or_without_context() -> None:
    plain = _input({"examples": [{"f": 1}, {}]})
    assert list(plain.example_list.examples) == [
        _expected("int64_list { value: 1 }"),
        tf.train.Example(),
    ]
    shared = _input({"examples": [{}], "context": {"f": 1}}).example_list_with_context
    assert shared.context == _expected("int64_list { value: 1 }")
    assert len(shared.examples) == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "key 'examples' is expected and was not found"),
        ({"examples": {}}, "Expecting 'examples' value to be an list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{}], "context": 1}, "Example must be JSON object but got JSON Number"),
    ],
)
def test_document_without_examples_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(Refusal, match=message):
        _input(document)
