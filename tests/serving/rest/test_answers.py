"""Answers as JSON text: TensorFlow Serving's decimals and layout, to the last space."""

import json
import random
import struct

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import classification_pb2, regression_pb2

from rankbeam.serving.rest import decimals, other_answers, predict_answer
from rankbeam.serving.rest.predict_json import Layout
from rankbeam.serving.status import Refusal
from rankbeam.serving.tensors import Array


def _floats(values: list[float]) -> Array:
    return np.array(values, np.float32)


def _doubles(values: list[float]) -> Array:
    return np.array(values, np.float64)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (3, "3.0"),
        (9000000, "9e+06"),
        (9000001, "9000001.0"),
        (0.00003, "3e-05"),
        (1 / 3, "0.333333343"),
        (16777216, "16777216.0"),
        (3.4028234663852886e38, "3.40282347e+38"),
        (1e-45, "1.4013e-45"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (-float("inf"), "-Infinity"),
    ],
)
def test_float_is_short_where_that_is_exact(value: float, text: str) -> None:
    assert decimals.texts(_floats([value])) == [text]


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1 / 3, "0.33333333333333331"), (1e300, "1e+300")]
)
def test_double_has_seventeen_digits_where_six_do_not_do(value: float, text: str) -> None:
    assert decimals.texts(_doubles([value])) == [text]


def test_random_decimals_read_back_as_they_were() -> None:
    draw = random.Random(0)
    bits = [draw.randbytes(4) for _ in range(5000)]
    floats = _floats([struct.unpack("<f", each)[0] for each in bits])
    np.testing.assert_array_equal(_floats(json.loads(_listed(floats))), floats)
    doubles = _doubles([struct.unpack("<d", each * 2)[0] for each in bits])
    np.testing.assert_array_equal(_doubles(json.loads(_listed(doubles))), doubles)


def _listed(values: Array) -> str:
    return f"[{', '.join(decimals.texts(values))}]"


def _protos(**values: object) -> dict[str, tensor_pb2.TensorProto]:
    return {name: tf.make_tensor_proto(value) for name, value in values.items()}


def _text(layout: Layout, **values: object) -> str:
    return predict_answer.predictions(layout, _protos(**values)).decode()


def test_rows_of_one_output_stand_on_one_line() -> None:
    assert _text(Layout.ROWS, y=_floats([2.5, 3, 4.5])) == (
        '{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'
    )
    assert _text(Layout.ROWS, y=[[1, 2], [3, 4]]) == (
        '{\n    "predictions": [[1, 2], [3, 4]\n    ]\n}'
    )
    assert _text(Layout.ROWS, y=np.zeros([0, 2], np.float32)) == '{\n    "predictions": []\n}'


def test_rows_of_several_outputs_are_objects() -> None:
    assert _text(Layout.ROWS, b=[True, False], a=[[1], [2]]) == (
        "{\n"
        '    "predictions": [\n'
        "        {\n"
        '            "a": [1],\n'
        '            "b": true\n'
        "        },\n"
        "        {\n"
        '            "a": [2],\n'
        '            "b": false\n'
        "        }\n"
        "    ]\n"
        "}"
    )


def test_columns_stand_on_lines_of_their_own() -> None:
    assert _text(Layout.COLUMNS, y=[[1, 2], [3, 4]]) == (
        "{\n"
        '    "outputs": [\n'
        "        [\n"
        "            1,\n"
        "            2\n"
        "        ],\n"
        "        [\n"
        "            3,\n"
        "            4\n"
        "        ]\n"
        "    ]\n"
        "}"
    )
    assert _text(Layout.COLUMNS, b=1, a=np.zeros([2, 0], np.int32)) == (
        "{\n"
        '    "outputs": {\n'
        '        "a": [\n'
        "            [],\n"
        "            []\n"
        "        ],\n"
        '        "b": 1\n'
        "    }\n"
        "}"
    )


@pytest.mark.parametrize("layout", list(Layout))
def test_binary_output_is_base64(layout: Layout) -> None:
    found = json.loads(_text(layout, y_bytes=[[b"\x00\xff"], [b""]]))
    assert list(found.values()) == [[[{"b64": "AP8="}], [{"b64": ""}]]]


def test_number_named_bytes_is_a_number() -> None:
    assert json.loads(_text(Layout.COLUMNS, y_bytes=[1])) == {"outputs": [1]}


def test_text_is_escaped_and_otherwise_as_it_is() -> None:
    values = ['"\\/\b\f\n\r\t\x00\x1f\x7f', "é€😀"]
    text = _text(Layout.COLUMNS, y=values)
    assert json.loads(text) == {"outputs": values}
    assert "é€😀" in text


def test_bytes_that_are_no_text_go_out_as_they_are() -> None:
    body = predict_answer.predictions(Layout.COLUMNS, _protos(y=[b"a\xff"]))
    assert body == b'{\n    "outputs": [\n        "a\xff"\n    ]\n}'


@pytest.mark.parametrize(
    ("layout", "values", "message"),
    [
        (Layout.ROWS, {}, "Cannot convert empty tensor map to JSON"),
        (Layout.ROWS, {"y": 1.0}, "Tensor name: y has no shape information "),
        (Layout.ROWS, {"a": [1, 2], "b": [1]}, "Tensor name: b has inconsistent batch size: 1 exp"),
        (
            Layout.COLUMNS,
            {"y": np.ones(1, np.float16)},
            "Failed to write JSON value for tensor type: hal",
        ),
        (
            Layout.ROWS,
            {"y": np.ones(1, np.complex64)},
            "Failed to write JSON value for tensor type: comp",
        ),
    ],
)
def test_tensors_that_json_cannot_show_are_refused(
    layout: Layout, values: dict[str, object], message: str
) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        predict_answer.predictions(layout, _protos(**values))
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize("seed", range(20))
def test_random_tensors_read_back_from_both_layouts(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 6))
    arrays = {
        f"y{at}": draw.integers(-9, 9, (count, *draw.integers(0, 4, draw.integers(0, 4))))
        for at in range(int(draw.integers(1, 4)))
    }
    columns = json.loads(_text(Layout.COLUMNS, **arrays))["outputs"]
    rows = json.loads(_text(Layout.ROWS, **arrays))["predictions"]
    for name, array in arrays.items():
        one = len(arrays) == 1
        assert (columns if one else columns[name]) == array.tolist()
        assert (rows if one else [row[name] for row in rows]) == array.tolist()


def test_results_without_examples_are_refused() -> None:
    with pytest.raises(Refusal, match="Cannot convert empty ClassificationResults to JSON"):
        other_answers.classifications(classification_pb2.ClassificationResult())
    with pytest.raises(Refusal, match="Cannot convert empty RegressionResults to JSON"):
        other_answers.regressions(regression_pb2.RegressionResult())


def test_classes_may_lack_labels_and_examples_classes() -> None:
    result = classification_pb2.ClassificationResult()
    first = result.classifications.add()
    first.classes.add(score=0.25)
    first.classes.add(label='a"', score=1)
    result.classifications.add()
    assert other_answers.classifications(result) == (
        b'{\n    "results": [[["", 0.25], ["a\\"", 1.0]], []\n    ]\n}'
    )
