"""Row and column format to a signature's tensors; messages as TensorFlow Serving words them."""

import json
import random
from typing import Any

import pytest
import tensorflow as tf

from rankbeam.serving.rest import predict_json
from rankbeam.serving.rest.predict_json import Layout
from rankbeam.serving.status import Refusal

ONE = {"x": tf.TensorSpec([None], tf.float32)}
TWO = {
    "tag": tf.TensorSpec([None], tf.string),
    "signal": tf.TensorSpec([None, None], tf.int64),
}


def _arrays(document: dict[str, Any], specs: predict_json.Specs) -> tuple[Layout, dict[str, Any]]:
    layout, protos = predict_json.tensors(document, specs)
    return layout, {name: tf.make_ndarray(proto).tolist() for name, proto in protos.items()}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"instances": [1, 2.5]}, {"x": [1.0, 2.5]}),
        ({"instances": [[1], [2]]}, {"x": [[1.0], [2.0]]}),
        ({"instances": [{"x": 1}, {"x": 2}]}, {"x": [1.0, 2.0]}),
    ],
)
def test_rows_of_one_input_may_be_plain_or_named(
    document: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert _arrays(document, ONE) == (Layout.ROWS, expected)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"inputs": [1, 2.5]}, {"x": [1.0, 2.5]}),
        ({"inputs": 3}, {"x": 3.0}),
        ({"inputs": {"x": [1]}}, {"x": [1.0]}),
        ({"inputs": {"x": [1], "unknown": "is ignored"}}, {"x": [1.0]}),
    ],
)
def test_columns_of_one_input_may_be_plain_or_named(
    document: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert _arrays(document, ONE) == (Layout.COLUMNS, expected)


def test_documented_example_means_the_same_in_rows_and_columns() -> None:
    rows = {"instances": [{"tag": "foo", "signal": [1, 2]}, {"tag": "bar", "signal": [3, 4]}]}
    columns = {"inputs": {"tag": ["foo", "bar"], "signal": [[1, 2], [3, 4]]}}
    expected = {"tag": [b"foo", b"bar"], "signal": [[1, 2], [3, 4]]}
    assert _arrays(rows, TWO) == (Layout.ROWS, expected)
    assert _arrays(columns, TWO) == (Layout.COLUMNS, expected)


def test_base64_objects_are_values_and_not_rows() -> None:
    specs = {"examples": tf.TensorSpec([None], tf.string)}
    document = {"instances": [{"b64": "AP8="}, "text", {"b64": ""}]}
    assert _arrays(document, specs)[1] == {"examples": [b"\x00\xff", b"text", b""]}
    assert _arrays({"inputs": {"b64": "AP8="}}, specs)[1] == {"examples": b"\x00\xff"}


ELEMENT = "Failed to process element: {} of 'instances' list. Error: INVALID_ARGUMENT: {}"


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        (
            [1, "2"],
            ELEMENT.format(1, 'JSON Value: "2" Type: String is not of expected type: float'),
        ),
        ([[1], [1, 2]], ELEMENT.format(1, "Expecting tensor size: 1 but got: 2")),
        ([[[1, 2]], [[1], [2]]], ELEMENT.format(1, "Expecting shape [1,2] but got: [2,1]")),
        ([1, [1]], ELEMENT.format(1, "Expecting shape [] but got: [1]")),
        (
            [[[1], [1, 2]]],
            ELEMENT.format(
                0, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"
            ),
        ),
        ([1, {"x": 1}], "Expecting value/list but got object at item 1 of input list"),
        ([{"x": 1}, 1], "Expecting object but got list at item 1 of input list"),
        (
            [{"x": 1}, {"x": "a"}],
            "Failed to process element: 1 key: x of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            [{"x": 1, "y": 1}],
            "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: y",
        ),
        (
            [{}],
            "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal "
            "to: x",
        ),
    ],
)
def test_odd_row_is_named_with_what_is_wrong(instances: list[Any], message: str) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        predict_json.tensors({"instances": instances}, ONE)
    assert raised.value.message == message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"instances": [1], "inputs": [1]}, 'JSON Value: {"instances": [1], "inputs": [1]} Not f'),
        ({"instances": {}}, "JSON Value: {\"instances\": {}} Expecting 'instances' to be an list"),
        ({"instances": []}, "JSON Value: {\"instances\": []} No values in 'instances' array"),
        ({"instances": ["a"]}, "instances is a plain list, but expecting list of objects as mul"),
        ({"inputs": ["a"]}, "inputs is a plain value/list, but expecting an object as multiple "),
        ({"inputs": {"b64": ""}}, "inputs is a plain value/list, but expecting an object as mult"),
        ({"inputs": {"tag": ["a"]}}, "Missing named input: signal in 'inputs' object."),
        ({"inputs": {"tag": [1], "signal": []}}, "JSON Value: 1 Type: Number is not of expected"),
        ({"instances": [{"tag": "a"}]}, "Failed to process element: 0 of 'instances' list. JSON"),
    ],
)
def test_document_that_does_not_hold_the_inputs_is_refused(
    document: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        predict_json.tensors(document, TWO)
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize("name", [1, None, ["a"], True])
def test_signature_name_must_be_a_string(name: object) -> None:
    with pytest.raises(Refusal, match="'signature_name' key must be a string value"):
        predict_json.signature_name({"signature_name": name})


def test_signature_name_is_optional_and_text() -> None:
    assert predict_json.signature_name({}) == ""
    assert predict_json.signature_name({"signature_name": "é"}) == "é"
    with pytest.raises(Refusal, match="surrogate pair"):
        predict_json.signature_name({"signature_name": "\udc00"})


@pytest.mark.parametrize("seed", range(10))
def test_random_rows_and_their_columns_make_the_same_tensors(seed: int) -> None:
    draw = random.Random(seed)
    width, count = draw.randrange(1, 4), draw.randrange(1, 30)
    rows = [
        {
            "signal": [draw.randrange(-(2**63), 2**63) for _ in range(width)],
            "tag": "".join(map(chr, draw.choices(range(0x800), k=3))),
        }
        for _ in range(count)
    ]
    columns = {name: [row[name] for row in rows] for name in TWO}
    by_rows = _arrays(json.loads(json.dumps({"instances": rows})), TWO)[1]
    by_columns = _arrays(json.loads(json.dumps({"inputs": columns})), TWO)[1]
    assert by_rows == by_columns
    assert by_rows["signal"] == columns["signal"]
    assert [tag.decode() for tag in by_rows["tag"]] == columns["tag"]
