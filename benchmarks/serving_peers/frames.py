"""The raw HTTP bodies that peers are given: the fastest path that each of them has.

Request: the number of examples, the length of each, then their bytes. Answer: the scores as one
float32 matrix (B, outputs), outputs in the order of their names. All little-endian.
"""

import struct
from collections.abc import Sequence

_NUMBER = struct.Struct("<I")


def pack(examples: Sequence[bytes]) -> bytes:
    """Serialized examples as one body."""
    lengths = struct.pack(f"<{len(examples)}I", *map(len, examples))
    return b"".join((_NUMBER.pack(len(examples)), lengths, *examples))


def unpack(body: bytes) -> list[bytes]:
    """The serialized examples of a body."""
    (count,) = _NUMBER.unpack_from(body)
    lengths = struct.unpack_from(f"<{count}I", body, _NUMBER.size)
    at = _NUMBER.size * (1 + count)
    examples = []
    for length in lengths:
        examples.append(body[at : at + length])
        at += length
    return examples
