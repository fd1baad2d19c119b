"""tf.Example on the wire, written without TensorFlow or protobuf.

A tf.Example is a map from feature name to one of three lists. Protobuf writes a map as its entries
one after another, so an example is the concatenation of its features; what many examples have in
common is encoded once. An entry, with `L` for the length of what follows it:

    0A L  [ 0A L name ]  [ 12 L  [ T L values ] ]

T is 0A for bytes (each value: 0A L bytes), 12 for floats (0A L, 4 bytes each, little-endian) and
1A for integers (0A L, varints). Sources: tensorflow `core/example/feature.proto`; Protocol Buffers,
"Encoding".
"""

import struct
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

EntryEncoder = Callable[[object], bytes | None]
"""From a value to its feature's entry; None where the value is not of the plain kind it knows."""

# Headers of contents that are shorter than this, in bytes, are made beforehand.
_SHORT = 128
_FLOAT32_MAX = 3.4028234663852886e38
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_pack_float = struct.Struct("<f").pack


class FeatureType(Enum):
    """The three lists a tf.Example can hold, and what may go into each."""

    INT = "an integer of 64 bits, or true or false"
    FLOAT = "a finite number within float32"
    BYTES = "a string of Unicode characters"


_TAGS = {FeatureType.BYTES: b"\x0a", FeatureType.FLOAT: b"\x12", FeatureType.INT: b"\x1a"}


def varint(number: int) -> bytes:
    """A number of 64 bits, seven bits a byte, lowest first; negative ones as two's complement."""
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _sized(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def encode_example(entries: bytes) -> bytes:
    """A serialized tf.Example of entries that stand one after another; none is an empty one."""
    return _sized(b"\x0a", entries) if entries else b""


def encode_entry(name: str, kind: FeatureType, values: Sequence[Any]) -> bytes:
    """One feature; no values mean a missing feature, which is nothing at all.

    Args:
        name: the feature's name.
        kind: which list.
        values: int, float or bytes as `kind` says; not checked here.
    """
    if not values:
        return b""
    if kind is FeatureType.BYTES:
        content = b"".join(_sized(b"\x0a", value) for value in values)
    elif kind is FeatureType.FLOAT:
        content = _sized(b"\x0a", struct.pack(f"<{len(values)}f", *values))
    else:
        content = _sized(b"\x0a", b"".join(map(varint, values)))
    return _entry(name, kind, content)


def _entry(name: str, kind: FeatureType, content: bytes) -> bytes:
    feature = _sized(_TAGS[kind], content)
    return _sized(b"\x0a", _sized(b"\x0a", name.encode()) + _sized(b"\x12", feature))


def plain_encoder(name: str, kind: FeatureType) -> EntryEncoder:
    """An encoder of one feature's plain values, several times as fast as `encode_entry`.

    Everything in an entry but the values depends on their length alone, and is made here, once per
    length. The encoder takes exactly Python's `str`, `int` or `float` and lists of them; it leaves
    all others, and those out of range, to slower code with better words.
    """
    headers = [_entry(name, kind, bytes(size))[: -size or None] for size in range(_SHORT)]
    if kind is FeatureType.BYTES:
        return _text_encoder(name, headers)
    return _number_encoder(name, kind, headers)


def _list_entry(name: str, kind: FeatureType, headers: list[bytes], content: bytes) -> bytes:
    size = len(content)
    return headers[size] + content if size < _SHORT else _entry(name, kind, content)


def _text_encoder(name: str, headers: list[bytes]) -> EntryEncoder:
    # The header of the list that holds one short string, with that of the string.
    alone = [headers[size + 2] + _LENGTHS[size] for size in range(_SHORT - 2)]
    longest = len(alone)

    def encode(value: object) -> bytes | None:
        if type(value) is str:
            try:
                data = value.encode()
            except UnicodeEncodeError:
                return None
            size = len(data)
            if size < longest:
                return alone[size] + data
            return encode_entry(name, FeatureType.BYTES, [data])
        if type(value) is not list:
            return None
        content = _text_content(value)
        if not content:
            return None if content is None else b""
        return _list_entry(name, FeatureType.BYTES, headers, content)

    return encode


def _number_encoder(name: str, kind: FeatureType, headers: list[bytes]) -> EntryEncoder:
    is_float = kind is FeatureType.FLOAT
    content_of = _float_content if is_float else _int_content
    alone = headers[6] + _ONE_FLOAT
    small = [headers[len(data) + 2] + _LENGTHS[len(data)] + data for data in _SMALL]

    def encode(value: object) -> bytes | None:
        if is_float and type(value) is float:
            if not -_FLOAT32_MAX <= value <= _FLOAT32_MAX:
                return None
            return alone + _pack_float(value)
        if not is_float and type(value) is int and 0 <= value < len(small):
            return small[value]
        if type(value) is not list:
            value = (value,)
        elif not value:
            return b""
        content = content_of(value)
        return None if content is None else _list_entry(name, kind, headers, content)

    return encode


def _text_content(values: Sequence[object]) -> bytes | None:
    parts = []
    for value in values:
        if type(value) is not str:
            return None
        try:
            data = value.encode()
        except UnicodeEncodeError:
            return None
        size = len(data)
        parts.append(_LENGTHS[size] if size < _SHORT else b"\x0a" + varint(size))
        parts.append(data)
    return b"".join(parts)


def _int_content(values: Sequence[object]) -> bytes | None:
    parts = []
    for value in values:
        if type(value) is not int or not _INT64_MIN <= value <= _INT64_MAX:
            return None
        parts.append(_SMALL[value] if 0 <= value < len(_SMALL) else varint(value))
    packed = b"".join(parts)
    return _sized(b"\x0a", packed) if len(packed) >= _SHORT else _LENGTHS[len(packed)] + packed


def _float_content(values: Sequence[object]) -> bytes | None:
    for value in values:
        if type(value) is not float or not -_FLOAT32_MAX <= value <= _FLOAT32_MAX:
            return None
    return _sized(b"\x0a", struct.pack(f"<{len(values)}f", *values))


# What stands before a value of 0, 1, ... bytes in its list; the bytes of small integers.
_LENGTHS = [b"\x0a" + varint(size) for size in range(_SHORT)]
_SMALL = [varint(number) for number in range(1024)]
_ONE_FLOAT = b"\x0a\x04"
