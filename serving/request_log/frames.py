"""TFRecord's framing of records, written and read without TensorFlow.

A record is framed as::

    length   8 bytes, little-endian
    check    4 bytes, masked CRC-32C of the length
    record   `length` bytes
    check    4 bytes, masked CRC-32C of the record

TensorFlow's own writer hides how much has reached the file, so it cannot be cut back to the last
whole record when a disk is full.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

_HEAD = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
_MASK = 0xA282EAD8


class TornFrame(Exception):  # callers know what to do with it: it never reaches a user
    """The bytes at some place of a file are no whole frame.

    Attributes:
        offset: where the last whole frame ends.
        reason: what is wrong after it.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"{reason} at byte {offset}")
        self.offset = offset
        self.reason = reason


def frame(record: bytes) -> bytes:
    """The record with its length and checks."""
    length = struct.pack("<Q", len(record))
    return b"".join((length, _checked(length), record, _checked(record)))


def read_frames(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Each record, with the offset at which its frame ends.

    Raises:
        TornFrame: The rest of the file is no whole frame, or a check fails.
        OSError: The file cannot be read.
    """
    offset = 0
    while head := file.read(_HEAD.size):
        if len(head) < _HEAD.size:
            raise TornFrame(offset, "the length is cut off")
        length, check = _HEAD.unpack(head)
        if _masked(head[:8]) != check:
            raise TornFrame(offset, "the length's checksum is wrong")
        body = file.read(length + _CHECK.size)
        if len(body) < length + _CHECK.size:
            raise TornFrame(offset, "the record is cut off")
        record = body[:length]
        if _checked(record) != body[length:]:
            raise TornFrame(offset, "the record's checksum is wrong")
        offset += _HEAD.size + len(body)
        yield offset, record


def _masked(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _checked(data: bytes) -> bytes:
    return _CHECK.pack(_masked(data))
