"""Nested lists to tensors: hand-worked cases, bad inputs, and random ones against NumPy."""

import base64
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from rankbeam.serving.rest import documents, tensor_json
from rankbeam.serving.status import Refusal


def _values(value: object, dtype: tf.DType) -> Any:
    return tf.make_ndarray(tensor_json.tensor(value, dtype))


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (1, tf.int64, ()),
        ([1, 2], tf.int64, (2,)),
        ([[1, 2], [3, 4], [5, 6]], tf.float32, (3, 2)),
        ([[[True]], [[False]]], tf.bool, (2, 1, 1)),
        ([], tf.float32, (0,)),
        ([[], []], tf.int32, (2, 0)),
        ([["a"], ["b"]], tf.string, (2, 1)),
    ],
)
def test_tensor_has_the_shape_of_the_lists(
    value: object, dtype: tf.DType, shape: tuple[int, ...]
) -> None:
    found = _values(value, dtype)
    assert found.shape == shape
    expected = np.array(value, dtype=dtype.as_numpy_dtype)
    if dtype == tf.string:
        expected = np.char.encode(expected.astype(str)).astype(object)
    np.testing.assert_array_equal(found, expected.reshape(shape))


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        ("1", tf.float32, 'JSON Value: "1" Type: String is not of expected type: float'),
        (True, tf.float64, "JSON Value: true Type: True is not of expected type: double"),
        (None, tf.float32, "JSON Value: null Type: Null is not of expected type: float"),
        ({}, tf.float32, "JSON Value: {} Type: Object is not of expected type: float"),
        (1.0, tf.int64, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        (True, tf.int32, "JSON Value: true Type: True is not of expected type: int32"),
        ([1, 2**31], tf.int32, "JSON Value: 2147483648 Type: Number is not of expected type"),
        (2**63, tf.int64, "JSON Value: 9223372036854775808 Type: Number is not of expected"),
        (-1, tf.uint32, "JSON Value: -1 Type: Number is not of expected type: uint32"),
        (2**64, tf.uint64, "JSON Value: 18446744073709551616 Type: Number is not of expected"),
        (256, tf.uint8, "JSON Value: 256 Type: Number is not of expected type: uint8"),
        (-129, tf.int8, "JSON Value: -129 Type: Number is not of expected type: int8"),
        (1, tf.bool, "JSON Value: 1 Type: Number is not of expected type: bool"),
        (1, tf.string, "JSON Value: 1 Type: Number is not of expected type: string"),
        (None, tf.string, "JSON Value: null Type: Null is not of expected type: string"),
        ({"b64": 1}, tf.string, 'JSON Value: {"b64": 1} not formatted correctly for base64 data'),
        ({"b64": "", "c": 1}, tf.string, 'JSON Value: {"b64": "", "c": 1} not formatted correct'),
        ({"b64": "a"}, tf.string, "Unable to base64 decode"),
        ({"b64": "ab=c"}, tf.string, "Unable to base64 decode"),
        ({"b64": "YWJj===="}, tf.string, "Unable to base64 decode"),
        ({"b64": "Zm9v€"}, tf.string, "Unable to base64 decode"),
        ("\ud800", tf.string, "JSON Parse error: The surrogate pair in string is invalid."),
        ([[1], [1, 2]], tf.int64, "Encountered list at unexpected size: 2 at level: 1 expected"),
        ([[1], 2], tf.int64, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expect"),
        ([1, [2]], tf.int64, "Encountered list at unexpected level: 1 expected < 1"),
        (10**400, tf.float32, "JSON Parse error: Number too big to be stored in double."),
        (float("1e999"), tf.float64, "JSON Parse error: Number too big to be stored in double."),
    ],
)
def test_what_is_no_tensor_is_refused(value: object, dtype: tf.DType, message: str) -> None:
    with pytest.raises(Refusal, match="INVALID_ARGUMENT") as raised:
        tensor_json.tensor(value, dtype)
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.uint16, tf.complex64])
def test_types_that_json_has_no_values_for_are_unimplemented(dtype: tf.DType) -> None:
    with pytest.raises(Refusal, match="UNIMPLEMENTED: Conversion of JSON Value: 1 to type: "):
        tensor_json.tensor([1], dtype)


def test_lists_nested_deeper_than_tensors_are_refused() -> None:
    value: object = 1
    for _ in range(900):
        value = [value]
    with pytest.raises(Refusal, match="nested at most 254 deep; got 900"):
        tensor_json.tensor(value, tf.int64)


def test_number_beyond_float_is_infinite_and_whole_numbers_are_decimals() -> None:
    found = _values([1e39, -1e39, 7, 2**63], tf.float32)
    np.testing.assert_array_equal(found, np.array([np.inf, -np.inf, 7, 2.0**63], np.float32))


def test_spelt_out_infinity_is_a_number() -> None:
    document = documents.parse(b'{"x": [Infinity, -Infinity, NaN, 1]}')
    found = _values(document["x"], tf.float64)
    np.testing.assert_array_equal(found, [np.inf, -np.inf, np.nan, 1])


@pytest.mark.parametrize("text", ["Zm8=", "Zm8", " Zm\n8= "])
def test_base64_may_lack_padding_and_hold_white_space(text: str) -> None:
    assert _values({"b64": text}, tf.string) == b"fo"


@pytest.mark.parametrize("seed", range(25))
def test_random_tensors_come_back(seed: int) -> None:
    draw = np.random.default_rng(seed)
    shape = tuple(draw.integers(1, 5, draw.integers(0, 5)))
    for dtype in (tf.int8, tf.uint8, tf.int32, tf.int64, tf.uint32, tf.uint64):
        limits = np.iinfo(dtype.as_numpy_dtype)
        array = draw.integers(limits.min, limits.max, shape, limits.dtype, endpoint=True)
        text = json.dumps({"x": array.tolist()}).encode()
        np.testing.assert_array_equal(_values(documents.parse(text)["x"], dtype), array)
    for dtype in (tf.float32, tf.float64):
        array = draw.normal(size=shape).astype(dtype.as_numpy_dtype)
        text = json.dumps({"x": array.tolist()}).encode()
        np.testing.assert_array_equal(_values(documents.parse(text)["x"], dtype), array)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes_come_back(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = [draw.bytes(int(draw.integers(0, 50))) for _ in range(20)]
    sent = [{"b64": base64.b64encode(value).decode()} for value in values]
    assert _values(sent, tf.string).tolist() == values
