"""The two messages of the Open Inference Protocol that MLServer's gRPC needs, on the wire.

ModelInferRequest: model_name = 1, inputs = 5 {name = 1, datatype = 2, shape = 3},
raw_input_contents = 7. ModelInferResponse: raw_output_contents = 6. A BYTES tensor's raw contents
are its elements, each after its length in four bytes, little-endian. Source: kserve
`open-inference-protocol`, "Inference Protocol / gRPC".
"""

import struct
from collections.abc import Iterator, Sequence

_LENGTH = struct.Struct("<I")
_VARINT, _FIXED64, _SIZED, _FIXED32 = 0, 1, 2, 5
_RAW_OUTPUT = 6


def infer_request(model: str, examples: Sequence[bytes]) -> bytes:
    """A ModelInferRequest with one BYTES tensor of shape (B,)."""
    tensor = _sized(1, b"examples") + _sized(2, b"BYTES") + _sized(3, _varint(len(examples)))
    raw = b"".join(_LENGTH.pack(len(example)) + example for example in examples)
    return _sized(1, model.encode()) + _sized(5, tensor) + _sized(7, raw)


def raw_output(response: bytes) -> bytes:
    """The raw contents of a ModelInferResponse's only output.

    Raises:
        ValueError: It has none, or several.
    """
    found = [content for number, content in _sized_fields(response) if number == _RAW_OUTPUT]
    if len(found) != 1:
        raise ValueError(f"ModelInferResponse must have one raw output; got {len(found)}")
    return found[0]


def _sized(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _SIZED) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _sized_fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field that holds bytes; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        length = {_FIXED64: 8, _FIXED32: 4}.get(tag & 7, 0)
        if tag & 7 == _VARINT:
            _, at = _read_varint(message, at)
        elif tag & 7 == _SIZED:
            length, at = _read_varint(message, at)
            yield tag >> 3, message[at : at + length]
        at += length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while message[at] > 0x7F:
        number |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | message[at] << shift, at + 1
