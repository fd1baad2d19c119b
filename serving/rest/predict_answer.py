"""A PredictResponse's tensors as JSON: `predictions` by rows or `outputs` by columns.

The text is TensorFlow Serving's to the last space, as far as map order allows: names are sorted.
"""

import base64
import json
import math
from collections.abc import Mapping

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from rankbeam.serving import status, tensors
from rankbeam.serving.rest import decimals
from rankbeam.serving.rest.predict_json import Layout
from rankbeam.serving.rest.tensor_json import dtype_name
from rankbeam.serving.tensors import Array

_BINARY_SUFFIX = "_bytes"
_FLOATS = frozenset({tf.float32, tf.float64})
_INTEGERS = frozenset({tf.int8, tf.uint8, tf.int16, tf.int32, tf.int64, tf.uint32, tf.uint64})
_INDENT = "    "

Tensors = Mapping[str, tensor_pb2.TensorProto]


def predictions(layout: Layout, outputs: Tensors) -> bytes:
    """The answer to a request of that layout.

    Raises:
        status.Refusal: INVALID_ARGUMENT for a tensor of a type that JSON has no values for, for
            no tensor at all, and in rows for tensors without or with different batch sizes.
    """
    if not outputs:
        raise status.invalid_argument("Cannot convert empty tensor map to JSON")
    text = _rows(outputs) if layout is Layout.ROWS else _columns(outputs)
    # Strings that are not UTF-8 go out as they are, as from TensorFlow Serving.
    return text.encode("utf-8", "surrogateescape")


def _rows(outputs: Tensors) -> str:
    count = _batch_size(outputs)
    named = len(outputs) > 1
    depth = 3 if named else 2
    columns = {
        name: _lines(name, proto, depth=depth, keep=1) for name, proto in sorted(outputs.items())
    }
    if not count:
        return f'{{\n{_INDENT}"predictions": []\n}}'
    if not named:
        listed = ", ".join(next(iter(columns.values())))
    else:
        inner = f"\n{_INDENT * 3}"
        keys = [f"{inner}{json.dumps(name, ensure_ascii=False)}: " for name in columns]
        rows = zip(*columns.values(), strict=True)
        objects = (",".join(map("".join, zip(keys, row, strict=True))) for row in rows)
        edge = f"\n{_INDENT * 2}"
        listed = ",".join(f"{edge}{{{members}{edge}}}" for members in objects)
    return f'{{\n{_INDENT}"predictions": [{listed}\n{_INDENT}]\n}}'


def _batch_size(outputs: Tensors) -> int:
    size: int | None = None
    for name, proto in sorted(outputs.items()):
        if not proto.tensor_shape.dim:
            raise status.invalid_argument(f"Tensor name: {name} has no shape information ")
        found = proto.tensor_shape.dim[0].size
        if size is not None and found != size:
            raise status.invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {found} expecting: {size}"
            )
        size = found
    return size or 0


def _lines(name: str, proto: tensor_pb2.TensorProto, *, depth: int, keep: int) -> list[str]:
    """The tensor's items along its first `keep` dimensions, each as one line of JSON."""
    array = _array(proto)
    texts = _leaf_texts(name, proto, array, depth + array.ndim - keep)
    for axis in reversed(range(keep, array.ndim)):
        groups = math.prod(array.shape[:axis])
        size = array.shape[axis]
        texts = [f"[{', '.join(texts[at * size : (at + 1) * size])}]" for at in range(groups)]
    return texts


def _columns(outputs: Tensors) -> str:
    if len(outputs) == 1:
        name, proto = next(iter(outputs.items()))
        return f'{{\n{_INDENT}"outputs": {_block(name, proto, depth=1)}\n}}'
    inner = f"\n{_INDENT * 2}"
    members = ",".join(
        f"{inner}{json.dumps(name, ensure_ascii=False)}: {_block(name, proto, depth=2)}"
        for name, proto in sorted(outputs.items())
    )
    return f'{{\n{_INDENT}"outputs": {{{members}\n{_INDENT}}}\n}}'


def _block(name: str, proto: tensor_pb2.TensorProto, *, depth: int) -> str:
    """The whole tensor, each item on a line of its own."""
    array = _array(proto)
    texts = _leaf_texts(name, proto, array, depth + array.ndim)
    for axis in reversed(range(array.ndim)):
        groups = math.prod(array.shape[:axis])
        size = array.shape[axis]
        edge = "\n" + _INDENT * (depth + axis)
        inner = edge + _INDENT
        texts = [
            f"[{inner}{f',{inner}'.join(texts[at * size : (at + 1) * size])}{edge}]"
            if size
            else "[]"
            for at in range(groups)
        ]
    return texts[0]


def _array(proto: tensor_pb2.TensorProto) -> Array:
    dtype = tf.as_dtype(proto.dtype)
    if dtype not in _FLOATS | _INTEGERS | {tf.string, tf.bool}:
        raise status.invalid_argument(
            f"Failed to write JSON value for tensor type: {dtype_name(dtype)}"
        )
    return tensors.decode_array(proto)


def _leaf_texts(name: str, proto: tensor_pb2.TensorProto, array: Array, depth: int) -> list[str]:
    """Every value as JSON; `depth` is that of the values themselves."""
    dtype = tf.as_dtype(proto.dtype)
    if dtype in _FLOATS:
        return decimals.texts(array)
    values = array.ravel().tolist()
    if dtype in _INTEGERS:
        return list(map(str, values))
    if dtype == tf.bool:
        return ["true" if value else "false" for value in values]
    if name.endswith(_BINARY_SUFFIX):
        edge = "\n" + _INDENT * depth
        return [
            f'{{{edge}{_INDENT}"b64": "{base64.b64encode(value).decode()}"{edge}}}'
            for value in values
        ]
    return [
        json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False) for value in values
    ]
