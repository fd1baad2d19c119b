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

# Longest string, in bytes, whose headers are made beforehand. Up to here the lengths in an entry
# with a usual name fit one byte each.
_SHORT = 96
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


def scalar_encoder(name: str, kind: FeatureType) -> EntryEncoder:
    """An encoder of one feature's plain scalars, some ten times as fast as `encode_entry`.

    Everything but the value is the same in each entry of one length, and is made here, once. The
    encoder takes values of exactly Python's `str`, `int` or `float` and leaves all others, and
    those out of range, to slower code with better words.
    """
    if kind is FeatureType.BYTES:
        return _text_encoder(name)
    return _float_encoder(name) if kind is FeatureType.FLOAT else _int_encoder(name)


def _headers(
    name: str, kind: FeatureType, prefix: Callable[[int], bytes], count: int
) -> list[bytes]:
    """Entries for contents of 0, 1, ... bytes, each without the content itself."""
    headers = []
    for size in range(count):
        content = prefix(size) + bytes(size)
        headers.append(_entry(name, kind, content)[: -size or None])
    return headers


def _text_encoder(name: str) -> EntryEncoder:
    headers = _headers(name, FeatureType.BYTES, lambda size: b"\x0a" + varint(size), _SHORT)

    def encode(value: object) -> bytes | None:
        if type(value) is not str:
            return None
        try:
            data = value.encode()
        except UnicodeEncodeError:
            return None
        size = len(data)
        if size < _SHORT:
            return headers[size] + data
        return encode_entry(name, FeatureType.BYTES, [data])

    return encode


def _int_encoder(name: str) -> EntryEncoder:
    headers = _headers(name, FeatureType.INT, lambda size: b"\x0a" + varint(size), 11)
    small = [headers[len(varint(number))] + varint(number) for number in range(256)]

    def encode(value: object) -> bytes | None:
        if type(value) is not int:
            return None
        if 0 <= value < 256:
            return small[value]
        if not _INT64_MIN <= value <= _INT64_MAX:
            return None
        data = varint(value)
        return headers[len(data)] + data

    return encode


def _float_encoder(name: str) -> EntryEncoder:
    header = _headers(name, FeatureType.FLOAT, lambda size: b"\x0a" + varint(size), 5)[4]

    def encode(value: object) -> bytes | None:
        if type(value) is not float or not -_FLOAT32_MAX <= value <= _FLOAT32_MAX:
            return None
        return header + _pack_float(value)

    return encode
