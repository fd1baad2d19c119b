"""Nested JSON lists to TensorProtos, by the rules of TensorFlow Serving's `util/json_tensor.cc`.

A dense tensor's shape is that of its first elements; every other list must be as long. Nothing
here recurses: a list's depth is a client's to choose.
"""

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2

from rankbeam.serving import status
from rankbeam.serving.rest import documents

MAX_RANK = 254  # as tf.TensorShape
_BASE64_KEY = "b64"
_SPACE = dict.fromkeys(map(ord, " \t\n\r\v\f"))

# The types that travel as JSON integers, with the range that TensorFlow Serving accepts. For the
# narrow types it accepts all of int32 and wraps; we refuse what the type cannot hold.
_INTEGERS: Mapping[tf.DType, Any] = {
    dtype: np.iinfo(dtype.as_numpy_dtype)
    for dtype in (tf.int8, tf.uint8, tf.int16, tf.int32, tf.int64, tf.uint32, tf.uint64)
}
_FLOATS = frozenset({tf.float32, tf.float64})
_NAMES = {"float16": "half", "float32": "float", "float64": "double"}

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dense:
    """A nested list, laid flat.

    Attributes:
        shape: the tensor's shape.
        leaves: the values in row-major order.
    """

    shape: Shape
    leaves: list[Any]


def flatten(value: object) -> Dense:
    """Lays a value or nested list flat.

    Raises:
        status.Refusal: INVALID_ARGUMENT for lists of different lengths or depths, or too deep.
    """
    shape = _first_shape(value)
    if len(shape) > MAX_RANK:
        raise status.invalid_argument(
            f"JSON lists must be nested at most {MAX_RANK} deep; got {len(shape)}"
        )
    layer: list[Any] = [value]
    for level, size in enumerate(shape):
        if set(map(type, layer)) != {list} or set(map(len, layer)) != {size}:
            item = next(i for i in layer if not isinstance(i, list) or len(i) != size)
            if not isinstance(item, list):
                raise status.invalid_argument(
                    f"JSON Value: {documents.shown(item)} found at incorrect level: {level + 1} "
                    f"in the JSON DOM. Expected at level: {len(shape)}"
                )
            raise status.invalid_argument(
                f"Encountered list at unexpected size: {len(item)} at level: {level} "
                f"expected size: {size}"
            )
        layer = list(chain.from_iterable(layer))
    if list in set(map(type, layer)):
        rank = len(shape)
        raise status.invalid_argument(
            f"Encountered list at unexpected level: {rank} expected < {rank}"
        )
    return Dense(shape, layer)


def _first_shape(value: object) -> Shape:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(sizes)


def tensor(value: object, dtype: tf.DType) -> tensor_pb2.TensorProto:
    """A JSON value as tensor of that type.

    Raises:
        status.Refusal: INVALID_ARGUMENT where it is not a tensor of that type, UNIMPLEMENTED
            where no JSON value is.
    """
    dense = flatten(value)
    return encode(dense, dtype)


def encode(dense: Dense, dtype: tf.DType) -> tensor_pb2.TensorProto:
    """Laid-flat values as tensor of that type; raises as `tensor`."""
    dims = [tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in dense.shape]
    proto = tensor_pb2.TensorProto(
        dtype=dtype.as_datatype_enum, tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=dims)
    )
    if dtype == tf.string:
        proto.string_val.extend(_strings(dense.leaves))
    elif dtype == tf.bool:
        _require(dense.leaves, dtype, lambda leaf: isinstance(leaf, bool), {bool})
        proto.tensor_content = np.array(dense.leaves, dtype=np.bool_).tobytes()
    elif dtype in _INTEGERS:
        proto.tensor_content = _integers(dense.leaves, dtype)
    elif dtype in _FLOATS:
        proto.tensor_content = _decimals(dense.leaves, dtype)
    elif dense.leaves:
        raise status.Refusal(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {documents.shown(dense.leaves[0])} "
            f"to type: {dtype_name(dtype)}",
        )
    return proto


def dtype_name(dtype: tf.DType) -> str:
    """A type's name as TensorFlow's C++ prints it."""
    name: str = dtype.name
    return _NAMES.get(name, name)


def _require(
    leaves: list[Any], dtype: tf.DType, fits: Callable[[Any], bool], types: set[type]
) -> None:
    """Checks all leaves by their types alone, which is fast; finds the odd one if there is one."""
    if set(map(type, leaves)) <= types:
        return
    raise type_error(next(leaf for leaf in leaves if not fits(leaf)), dtype)


def type_error(value: object, dtype: tf.DType) -> status.Refusal:
    """The refusal of a value that no tensor of that type can hold."""
    return status.invalid_argument(
        f"JSON Value: {documents.shown(value)} Type: {documents.kind(value)} "
        f"is not of expected type: {dtype_name(dtype)}"
    )


def _integers(leaves: list[Any], dtype: tf.DType) -> bytes:
    _require(leaves, dtype, lambda leaf: type(leaf) is int, {int})
    limits = _INTEGERS[dtype]
    if leaves and not limits.min <= min(leaves) <= max(leaves) <= limits.max:
        odd = next(leaf for leaf in leaves if not limits.min <= leaf <= limits.max)
        raise type_error(odd, dtype)
    return np.array(leaves, dtype=dtype.as_numpy_dtype).tobytes()


def _decimals(leaves: list[Any], dtype: tf.DType) -> bytes:
    _require(leaves, dtype, _is_number, {int, float, documents.NonFinite})
    try:
        doubles = np.array(leaves, dtype=np.float64)
    except OverflowError:
        raise documents.too_big() from None
    if np.isinf(doubles).any() and any(map(_overflowed, leaves)):
        raise documents.too_big()
    with np.errstate(over="ignore"):  # beyond float's range is an infinity, as in C++
        content: bytes = doubles.astype(dtype.as_numpy_dtype).tobytes()
    return content


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


def _overflowed(leaf: object) -> bool:
    return type(leaf) is float and math.isinf(leaf)


def _strings(leaves: list[Any]) -> list[bytes]:
    try:
        return [leaf.encode() if type(leaf) is str else _bytes(leaf) for leaf in leaves]
    except UnicodeEncodeError:
        raise lone_surrogate() from None


def lone_surrogate() -> status.Refusal:
    """The refusal of half a surrogate pair, which JSON can spell and UTF-8 cannot."""
    return status.invalid_argument("JSON Parse error: The surrogate pair in string is invalid.")


def _bytes(leaf: object) -> bytes:
    if not isinstance(leaf, dict):
        raise type_error(leaf, tf.string)
    if not is_base64(leaf):
        raise status.invalid_argument(
            f"JSON Value: {documents.shown(leaf)} not formatted correctly for base64 data"
        )
    return from_base64(leaf)


def is_base64(value: object) -> bool:
    """Whether a value is `{"b64": "..."}`, hence binary and no object."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(_BASE64_KEY), str)


def from_base64(value: Mapping[str, str]) -> bytes:
    """The bytes of `{"b64": "..."}`; padding may be left out, white space is skipped.

    Raises:
        status.Refusal: INVALID_ARGUMENT for other characters, or a length that cannot be.
    """
    text = value[_BASE64_KEY].translate(_SPACE)
    digits = text.rstrip("=")
    padding = -len(digits) % 4
    try:
        if len(text) - len(digits) not in {0, padding}:
            raise binascii.Error("wrong padding")
        return base64.b64decode(digits + "=" * padding, validate=True)
    except ValueError:  # binascii.Error among them
        raise status.invalid_argument("Unable to base64 decode") from None
