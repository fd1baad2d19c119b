"""TensorProto to NumPy arrays and back, without TensorFlow.

The typed fields (`float_val`, ...) are written, as in `rankbeam.serving.tensors`; both they and
`tensor_content` are read, since a server may send either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rankbeam.serving.client import protocol
from rankbeam.transform.errors import DataError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One DataType: its name, TensorProto's field for it, and NumPy's type."""

    name: str
    field: str
    dtype: np.dtype[Any]


# Number in tensorflow/core/framework/types.proto -> the type.
_KINDS: Mapping[int, _Kind] = {
    number: _Kind(name, field, np.dtype(dtype))
    for number, name, field, dtype in (
        (1, "float32", "float_val", np.float32),
        (2, "float64", "double_val", np.float64),
        (3, "int32", "int_val", np.int32),
        (4, "uint8", "int_val", np.uint8),
        (5, "int16", "int_val", np.int16),
        (6, "int8", "int_val", np.int8),
        (7, "string", "string_val", np.object_),
        (9, "int64", "int64_val", np.int64),
        (10, "bool", "bool_val", np.bool_),
        (17, "uint16", "int_val", np.uint16),
        (19, "float16", "half_val", np.float16),
        (22, "uint32", "uint32_val", np.uint32),
        (23, "uint64", "uint64_val", np.uint64),
    )
}
_NUMBER_BY_DTYPE = {kind.dtype: number for number, kind in _KINDS.items()}
STRING = 7
"""The DataType of a tensor of strings."""


def dtype_name(number: int) -> str:
    """TensorFlow's name of a DataType, such as `float32`; `DataType N` for those unknown here."""
    kind = _KINDS.get(number)
    return f"DataType {number}" if kind is None else kind.name


def encode(values: npt.ArrayLike) -> Any:
    """A NumPy array (or nested list) of any shape as TensorProto; str becomes UTF-8 bytes.

    Raises:
        DataError: TensorFlow Serving's clients cannot send that type.
    """
    array = np.asarray(values)
    if array.dtype.kind in "USO":
        # NumPy's own string types drop a value's last zero bytes; a tf.Example may end in one.
        return _encode_strings(np.asarray(values, dtype=object))
    number = _NUMBER_BY_DTYPE.get(array.dtype)
    if number is None:
        raise DataError(f"tensor must be of a number, bool or string type; got {array.dtype}")
    proto = _empty(number, array.shape)
    kind = _KINDS[number]
    if kind.field == "half_val":
        array = array.view(np.uint16)
    getattr(proto, kind.field).extend(array.ravel().tolist())
    return proto


def _encode_strings(array: Array) -> Any:
    proto = _empty(STRING, array.shape)
    for value in array.ravel().tolist():
        data = value.encode() if isinstance(value, str) else value
        if not isinstance(data, bytes):
            raise DataError(f"tensor of strings must hold str or bytes; got {value!r:.80}")
        proto.string_val.append(data)
    return proto


def _empty(number: int, shape: tuple[int, ...]) -> Any:
    proto = protocol.Tensor(dtype=number)
    proto.tensor_shape.SetInParent()  # no dimension is a scalar; no shape is none
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto


def decode(proto: Any) -> Array:
    """A TensorProto as NumPy array of the same shape; strings as `object` of bytes.

    Fewer values than the shape has places mean, as in TensorFlow, that the last one fills the rest.

    Raises:
        DataError: the type is unknown here, or the values do not fill the shape.
    """
    kind = _KINDS.get(proto.dtype)
    if kind is None:
        raise DataError(f"tensor must be of a number, bool or string type; got {proto.dtype}")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    size = int(np.prod(shape, dtype=np.int64))
    values = _values(proto, kind)
    if 0 < len(values) < size:
        values = np.concatenate([values, np.repeat(values[-1:], size - len(values))])
    if len(values) != size:
        raise DataError(f"tensor of shape {shape} must hold {size} values; got {len(values)}")
    return values.reshape(shape)


def _values(proto: Any, kind: _Kind) -> Array:
    if proto.tensor_content:
        width = kind.dtype.itemsize
        if kind.dtype == np.object_ or len(proto.tensor_content) % width:
            raise DataError(f"tensor content must be whole {kind.name} values")
        # A copy: an array over foreign bytes could not be written to.
        return np.frombuffer(proto.tensor_content, kind.dtype.newbyteorder("<")).astype(kind.dtype)
    found = getattr(proto, kind.field)
    if kind.field == "half_val":
        return np.fromiter(found, np.uint16, len(found)).view(np.float16)
    return np.fromiter(found, kind.dtype, len(found))
