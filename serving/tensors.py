"""Tensors on the wire: TensorProto to eager tensors and NumPy arrays, and back.

The typed fields (`float_val`, `string_val`, ...) are used for answers, as TensorFlow Serving does,
so that clients in any language read both servers with the same few lines.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from rankbeam.serving import status

Array = npt.NDArray[Any]

# A few bytes may announce a tensor of any size whose one value is repeated; this much is granted.
_MAX_REPEATED = 1 << 24
_MAX_REPEATED_STRINGS = 1 << 20
"""Fewer, since each becomes an object of its own."""

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
_USUAL_TYPES = {dtype.as_datatype_enum: dtype for dtype in (*_FIELD_BY_DTYPE, tf.string)}
_DATA_TYPES = frozenset(types_pb2.DataType.values())


def encode(values: npt.ArrayLike) -> tensor_pb2.TensorProto:
    """A NumPy array (or nested list) of any shape as TensorProto; str becomes UTF-8 bytes."""
    proto = tensor_pb2.TensorProto()
    encode_into(proto, values)
    return proto


def encode_into(proto: tensor_pb2.TensorProto, values: npt.ArrayLike) -> None:
    """Fills an empty TensorProto, such as one inside an answer, as `encode` does."""
    array = np.asarray(values)
    if array.dtype == np.float32:  # scores: all that a ranking model answers
        _announce(proto, types_pb2.DT_FLOAT, array.shape)
        proto.float_val.extend((array if array.ndim == 1 else array.ravel()).tolist())
        return
    if array.dtype.kind in "USO":
        # NumPy's own string types drop a value's last zero bytes; a tf.Example may end in one.
        array = np.asarray(values, dtype=object)
        _announce(proto, types_pb2.DT_STRING, array.shape)
        proto.string_val.extend(
            value.encode() if isinstance(value, str) else value for value in array.ravel().tolist()
        )
        return
    dtype = tf.as_dtype(array.dtype)
    field = _FIELD_BY_DTYPE.get(dtype)
    if field is None:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    _announce(proto, dtype.as_datatype_enum, array.shape)
    getattr(proto, field).extend(array.ravel().tolist())


def _announce(proto: tensor_pb2.TensorProto, dtype: int, shape: tuple[int, ...]) -> None:
    proto.dtype = dtype
    dimensions = proto.tensor_shape.dim
    for size in shape:
        dimensions.add(size=size)
    if not shape:
        proto.tensor_shape.SetInParent()  # a scalar's shape is present and has no dimension


def decode_array(proto: tensor_pb2.TensorProto) -> Array:
    """A TensorProto as NumPy array of the same shape; strings as `object` of bytes."""
    array: Array = tf.make_ndarray(proto)
    return array


def decode_input(
    alias: str,
    proto: tensor_pb2.TensorProto,
    expected: tf.TensorSpec,
    place: Callable[[str], int] = lambda alias: 0,
) -> Array:
    """A request's input as array, held against the signature's dtype and shape.

    Args:
        alias: the input's name in the signature, for messages.
        proto: what the client sent.
        expected: dtype and (partly known) shape from the signature.
        place: an input's number among those that the graph is fed, for messages.

    Returns:
        The array; strings as `object` of bytes.

    Raises:
        status.Refusal: INVALID_ARGUMENT for another dtype, another shape, or bytes that do not
            make up the tensor they announce.
    """
    shape = tuple([dim.size for dim in proto.tensor_shape.dim])
    if proto.dtype != expected.dtype.as_datatype_enum:
        _check_readable(alias, proto, shape)
        raise status.invalid_argument(
            f"Expects arg[{place(alias)}] to be {_dtype_name(expected.dtype.as_datatype_enum)} "
            f"but {_dtype_name(proto.dtype)} is provided"
        )
    array = _plain(proto, shape, expected.dtype)
    if array is None:
        array = _parsed(alias, proto, shape, expected.dtype)
    if not _fits(shape, expected.shape):
        raise status.invalid_argument(
            f"Expects input {alias!r} to have shape {expected.shape} but "
            f"{tf.TensorShape(shape)} is provided"
        )
    return array


@functools.lru_cache(maxsize=1024)
def _fits(shape: tuple[int, ...], expected: tf.TensorShape) -> bool:
    """Whether a shape is one that the signature takes; asked anew it costs 4 µs."""
    return bool(expected.is_compatible_with(shape))


def _plain(proto: tensor_pb2.TensorProto, shape: tuple[int, ...], dtype: tf.DType) -> Array | None:
    """The usual spelling, one value for each element, without TensorFlow's own slower parser."""
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        return None
    count = math.prod(shape)
    if dtype == tf.string:
        strings = proto.string_val
        if len(strings) != count or proto.tensor_content:
            return None
        array = np.empty(count, dtype=object)
        array[:] = strings
        return array.reshape(shape)
    field = _FIELD_BY_DTYPE.get(dtype)
    if field is None:
        return None
    if proto.tensor_content:
        if len(proto.tensor_content) != count * dtype.size:
            return None
        return np.frombuffer(proto.tensor_content, dtype.as_numpy_dtype).reshape(shape)
    values = getattr(proto, field)
    if len(values) != count:
        return None
    # Narrow integers travel in int32 and wrap around, as they do in TensorFlow.
    wide = np.int32 if field == "int_val" else dtype.as_numpy_dtype
    return np.array(values, wide).astype(dtype.as_numpy_dtype, copy=False).reshape(shape)


def _parsed(
    alias: str, proto: tensor_pb2.TensorProto, shape: tuple[int, ...], dtype: tf.DType
) -> Array:
    """Every other spelling, such as one value for all elements, as TensorFlow reads it."""
    granted = _MAX_REPEATED_STRINGS if dtype == tf.string else _MAX_REPEATED
    if math.prod(max(size, 1) for size in shape) > granted:
        raise status.invalid_argument(
            f"tensor parsing error: {alias} announces the shape {list(shape)} "
            "and holds fewer values"
        )
    try:
        parsed: Array = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
    except (tf.errors.OpError, UnicodeDecodeError) as error:
        raise status.invalid_argument(f"tensor parsing error: {alias}") from error
    return parsed


def _check_readable(alias: str, proto: tensor_pb2.TensorProto, shape: tuple[int, ...]) -> None:
    """Refuses what is no tensor of its own dtype either: that is said first."""
    name = types_pb2.DataType.Name(proto.dtype) if proto.dtype in _DATA_TYPES else ""
    if proto.dtype == types_pb2.DT_INVALID or not name or name.endswith("_REF"):
        raise status.invalid_argument(f"tensor parsing error: {alias}")
    dtype = _USUAL_TYPES.get(proto.dtype)
    if dtype is not None and _plain(proto, shape, dtype) is None:
        _parsed(alias, proto, shape, dtype)


def _dtype_name(number: int) -> str:
    """As TensorFlow's runtime calls a type, which is not always as Python's dtype is called."""
    name: str = types_pb2.DataType.Name(number)
    return name.removeprefix("DT_").lower()
