"""Serializes tf.Examples column by column, always to the same bytes.

A tf.Example is a map from feature name to a list of values. Encoders that go through protobuf's
map, tfx_bsl's among them, write its entries in an order that differs from record to record and
from run to run. Here they are in the order of their names, as protobuf's deterministic mode has
them, and Arrow does the work on whole columns (in half of tfx_bsl's time).

The wire format, with a one-byte tag (field number × 8 + wire type) and a varint length before
each part in brackets::

    Example   0A [Features]
    Features  0A [entry] for each feature
    entry     0A [name] 12 [Feature]
    Feature   0A [BytesList], 12 [FloatList], 1A [Int64List], or nothing where it is missing
    BytesList 0A [value] for each value
    FloatList 0A [values in 4 bytes each];  Int64List 0A [values as varints]
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.integer[Any]]

_BYTES, _FLOAT, _INT64 = b"\x0a", b"\x12", b"\x1a"
_MISSING = -1


def encode_examples(batch: pa.RecordBatch) -> list[bytes]:
    """Serialized tf.Examples, one for each row.

    Args:
        batch: Columns of lists of int64, float32 or binary, without nulls in the lists; a null
            list is a feature without values or kind.
    """
    entries = [
        _entries(name, batch.column(batch.schema.get_field_index(name)))
        for name in sorted(batch.schema.names)
    ]
    sizes = np.zeros(batch.num_rows, dtype=np.int32)
    for column in entries:
        sizes += np.diff(_offsets(column))
    heads = _heads(sizes, lambda size: _part(b"\x0a", size))
    records: list[bytes] = _joined(heads, *entries).to_pylist()
    return records


def _entries(name: str, column: pa.ListArray) -> pa.Array:
    """[rows] the map entries of one feature."""
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    elements = column.flatten()
    if pa.types.is_binary(elements.type):
        tag, packed = _BYTES, False
        texts = _text_values(elements)
        values = _sliced(texts.buffers()[2], _offsets(texts)[ends])
    elif pa.types.is_floating(elements.type):
        tag, packed = _FLOAT, True
        values = _sliced(pa.py_buffer(elements.to_numpy().astype("<f4")), ends * 4)
    else:
        tag, packed = _INT64, True
        encoded, offsets = _varints(elements.to_numpy())
        values = _sliced(pa.py_buffer(encoded), offsets[ends])
    sizes = np.diff(_offsets(values))
    sizes[column.is_null().to_numpy(zero_copy_only=False)] = _MISSING
    return _joined(
        _heads(sizes, lambda size: _entry_head(name.encode(), tag, packed, size)), values
    )


def _entry_head(name: bytes, tag: bytes, packed: bool, size: int) -> bytes:
    """All of an entry but its values, which take `size` bytes."""
    key = _part(b"\x0a", len(name)) + name
    if size == _MISSING:
        feature_head, rest = b"", 0
    else:
        values_head = _part(b"\x0a", size) if packed and size else b""
        feature_head = _part(tag, len(values_head) + size) + values_head
        rest = size
    feature = _part(b"\x12", len(feature_head) + rest) + feature_head
    return _part(b"\x0a", len(key) + len(feature) + rest) + key + feature


def _text_values(elements: pa.Array) -> pa.Array:
    """[elements] each value with its tag and length."""
    sizes = pc.binary_length(elements).to_numpy(zero_copy_only=False)
    return _joined(_heads(sizes, lambda size: _part(b"\x0a", size)), elements)


def _heads(sizes: Integers, head: Callable[[int], bytes]) -> pa.Array:
    """`head` of each size, called once for each distinct one."""
    places = pa.array(sizes).dictionary_encode()
    heads = pa.array([head(size) for size in places.dictionary.to_pylist()], type=pa.binary())
    return heads.take(places.indices)


def _part(tag: bytes, size: int) -> bytes:
    return tag + _varints(np.array([size]))[0].tobytes()


def _varints(
    numbers: Integers,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Base-128 varints, one after the other, and [numbers + 1] where each begins.

    Seven bits a byte, least significant first; the high bit says that more follow. Negative
    numbers count as their 64-bit two's complement, hence take ten bytes.
    """
    unsigned = numbers.astype(np.int64).view(np.uint64)
    largest = int(unsigned.max(initial=0))
    shifts = np.arange(0, max(largest.bit_length(), 1), 7, dtype=np.uint64)
    groups = unsigned[:, None] >> shifts
    more = groups > 127
    used = np.concatenate([np.ones((len(numbers), 1), dtype=bool), more[:, :-1]], axis=1)
    encoded = ((groups & np.uint64(127)) | (more.astype(np.uint64) << np.uint64(7)))[used]
    return encoded.astype(np.uint8), np.concatenate([[0], np.cumsum(used.sum(axis=1))])


def _sliced(data: pa.Buffer | None, offsets: Integers) -> pa.Array:
    """Binary values that lie one after the other in `data`."""
    starts = pa.py_buffer(offsets.astype(np.int32))
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, starts, data])


def _offsets(values: pa.Array) -> npt.NDArray[np.int32]:
    """[values + 1] where each binary value begins in its buffer."""
    if len(values) == 0:
        return np.zeros(1, dtype=np.int32)
    every = np.frombuffer(values.buffers()[1], dtype=np.int32)
    return every[values.offset : values.offset + len(values) + 1]


def _joined(*columns: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*columns, pa.scalar(b"", type=pa.binary()))
