"""TensorProtos of the client against TensorFlow's own reader and writer."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from rankbeam.serving.client import arrays, protocol
from rankbeam.transform.errors import DataError

DTYPES = [
    np.float16,
    np.float32,
    np.float64,
    np.int8,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.int64,
    np.uint32,
    np.uint64,
    np.bool_,
]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (2, 0), (2, 1, 3)]


def _array(dtype: Any, shape: tuple[int, ...]) -> Any:
    rng = np.random.default_rng(7)
    if dtype == np.bool_:
        return rng.integers(0, 2, shape).astype(dtype)
    low = 0 if np.dtype(dtype).kind == "u" else -100
    return np.asarray(rng.integers(low, 100, shape)).astype(dtype)


def _stock(proto: Any) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto.FromString(proto.SerializeToString())


def _ours(proto: tensor_pb2.TensorProto) -> Any:
    return protocol.Tensor.FromString(proto.SerializeToString())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_tensorflow_reads_what_is_written(dtype: Any, shape: tuple[int, ...]) -> None:
    array = _array(dtype, shape)
    read = tf.make_ndarray(_stock(arrays.encode(array)))
    np.testing.assert_array_equal(read, array)
    assert (read.dtype, read.shape) == (array.dtype, shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_read_what_tensorflow_writes(dtype: Any, shape: tuple[int, ...]) -> None:
    array = _array(dtype, shape)
    eager = tf.constant(array)  # writes `tensor_content` where `make_tensor_proto` does
    for proto in (tf.make_tensor_proto(array), tf.make_tensor_proto(eager)):
        read = arrays.decode(_ours(proto))
        np.testing.assert_array_equal(read, array)
        assert (read.dtype, read.shape) == (array.dtype, shape)


def test_arrays_strings_keep_every_byte() -> None:
    values = [["ü", b"\0\xff\0"], [b"", "b"]]
    written = arrays.encode(np.array(values, object))
    expected = np.array([["ü".encode(), b"\0\xff\0"], [b"", b"b"]], object)
    np.testing.assert_array_equal(tf.make_ndarray(_stock(written)), expected)
    np.testing.assert_array_equal(arrays.decode(written), expected)
    np.testing.assert_array_equal(arrays.decode(_ours(tf.make_tensor_proto(expected))), expected)


def test_arrays_last_value_fills_the_rest_as_in_tensorflow() -> None:
    proto = tensor_pb2.TensorProto(dtype=1, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add(size=4)
    np.testing.assert_array_equal(arrays.decode(_ours(proto)), tf.make_ndarray(proto))
    np.testing.assert_array_equal(arrays.decode(_ours(proto)), [1.0, 2.0, 2.0, 2.0])


BAD = [
    (tensor_pb2.TensorProto(dtype=14), "must be of a number, bool or string type; got 14"),
    (tensor_pb2.TensorProto(dtype=1, float_val=[1, 2]), r"shape \(\) must hold 1 values; got 2"),
    (tensor_pb2.TensorProto(dtype=1), r"shape \(\) must hold 1 values; got 0"),
    (tensor_pb2.TensorProto(dtype=1, tensor_content=b"abc"), "must be whole float32 values"),
    (tensor_pb2.TensorProto(dtype=7, tensor_content=b"abcdefgh"), "must be whole string values"),
]


@pytest.mark.parametrize(("proto", "message"), BAD)
def test_arrays_refuse_what_is_no_tensor(proto: tensor_pb2.TensorProto, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays.decode(_ours(proto))


@pytest.mark.parametrize("value", [np.complex64(1j), [object()], np.datetime64("2020-01-01")])
def test_arrays_refuse_what_cannot_be_sent(value: Any) -> None:
    with pytest.raises(DataError, match=r"tensor (of strings )?must (be|hold)"):
        arrays.encode(value)
