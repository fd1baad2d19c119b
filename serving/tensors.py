"""Tensors on the wire: TensorProto to eager tensors and NumPy arrays, and back.

The typed fields (`float_val`, `string_val`, ...) are used for answers, as TensorFlow Serving does,
so that clients in any language read both servers with the same few lines.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2

from rankbeam.serving import status

Array = npt.NDArray[Any]

# DType -> the TensorProto field that TensorFlow fills for it. Types that are absent here (half,
# bfloat16, quantized) need bit patterns, which `tf.make_tensor_proto` knows.
_FIELD_BY_DTYPE: dict[tf.DType, str] = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.uint8: "int_val",
    tf.int16: "int_val",
    tf.uint16: "int_val",
    tf.int32: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
}


def encode(values: npt.ArrayLike) -> tensor_pb2.TensorProto:
    """A NumPy array (or nested list) of any shape as TensorProto; str becomes UTF-8 bytes."""
    array = np.asarray(values)
    if array.dtype.kind in "USO":
        # NumPy's own string types drop a value's last zero bytes; a tf.Example may end in one.
        return _encode_strings(np.asarray(values, dtype=object))
    dtype = tf.as_dtype(array.dtype)
    field = _FIELD_BY_DTYPE.get(dtype)
    if field is None:
        return tf.make_tensor_proto(array)
    proto = _empty(dtype, array.shape)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _encode_strings(array: Array) -> tensor_pb2.TensorProto:
    proto = _empty(tf.string, array.shape)
    proto.string_val.extend(
        value.encode() if isinstance(value, str) else value for value in array.ravel().tolist()
    )
    return proto


def _empty(dtype: tf.DType, shape: tuple[int, ...]) -> tensor_pb2.TensorProto:
    dims = [tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in shape]
    return tensor_pb2.TensorProto(
        dtype=dtype.as_datatype_enum, tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=dims)
    )


def decode_array(proto: tensor_pb2.TensorProto) -> Array:
    """A TensorProto as NumPy array of the same shape; strings as `object` of bytes."""
    array: Array = tf.make_ndarray(proto)
    return array


def decode_input(alias: str, proto: tensor_pb2.TensorProto, expected: tf.TensorSpec) -> tf.Tensor:
    """A request's input as eager tensor, held against the signature's dtype and shape.

    Args:
        alias: the input's name in the signature, for messages.
        proto: what the client sent.
        expected: dtype and (partly known) shape from the signature.

    Raises:
        status.Refusal: INVALID_ARGUMENT for another dtype, another shape, or bytes that do not
            make up the tensor they announce.
    """
    if proto.dtype != expected.dtype.as_datatype_enum:
        raise status.invalid_argument(
            f"Expects input {alias!r} to be {expected.dtype.name} but "
            f"{_dtype_name(proto.dtype)} is provided"
        )
    try:
        tensor = tf.io.parse_tensor(proto.SerializeToString(), expected.dtype)
    except tf.errors.OpError as error:
        raise status.invalid_argument(f"tensor parsing error: {alias}") from error
    if not expected.shape.is_compatible_with(tensor.shape):
        raise status.invalid_argument(
            f"Expects input {alias!r} to have shape {expected.shape} but {tensor.shape} is provided"
        )
    return tensor


def _dtype_name(number: int) -> str:
    try:
        name: str = tf.as_dtype(number).name
    except TypeError:
        return f"unknown type {number}"
    return name
