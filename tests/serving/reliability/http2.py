"""HTTP/2 by hand, for what no library would send, and for what comes back; no TensorFlow."""

import asyncio
import re
import struct
from collections.abc import Iterable

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
STREAM = 1
"""The one stream that is asked on."""

DATA, HEADERS, RST_STREAM, PING, CONTINUATION = 0, 1, 3, 6, 9
_ACK = END_STREAM = 1
END_HEADERS = 4
_HEAD = 9
_GRPC_STATUS = re.compile(rb"grpc-status.(\d{1,2})", re.DOTALL)
# `:status` as one byte where HPACK's static table has it, or as literal text.
_STATUSES = {0x88: 200, 0x8C: 400, 0x8D: 404, 0x8E: 500}
_LITERAL_STATUS = re.compile(rb"^[\x48\x08\x18]\x03(\d{3})")


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    """One frame."""
    head = struct.pack(">I", len(content))[1:] + bytes((kind, flags))
    return head + struct.pack(">I", stream) + content


def ask_for_life() -> bytes:
    """A PING: a server that has ignored what came before acknowledges it."""
    return frame(PING, 0, 0, b"rankbeam")


def header_block(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Fields as HPACK literals that enter no table."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)


def headers(block: bytes, flags: int = 0) -> bytes:
    """The block as one whole HEADERS frame."""
    return frame(HEADERS, flags | END_HEADERS, STREAM, block)


def message(content: bytes, compressed: int = 0) -> bytes:
    """A gRPC message with its prefix."""
    return bytes((compressed,)) + struct.pack(">I", len(content)) + content


def _text(text: bytes) -> bytes:
    return _length(len(text)) + text


def _length(number: int) -> bytes:
    """HPACK's integer with a prefix of seven bits."""
    if number < 0x7F:
        return bytes((number,))
    out, rest = bytearray((0x7F,)), number - 0x7F
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((*out, rest))


async def read_answer(reader: asyncio.StreamReader) -> str:
    """What a server says, by the first of these: the one stream ends, a PING is answered, the end.

    Returns:
        `grpc N` for a gRPC status, `http N` for an HTTP status without one, `reset N` for a stream
        that is cut off, `ignored` for an answered PING, `closed` for a connection that the server
        closed.
    """
    try:
        while True:
            head = await reader.readexactly(_HEAD)
            content = await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind == PING and flags & _ACK:
                return "ignored"
            if int.from_bytes(head[5:], "big") != STREAM:
                continue
            if kind == RST_STREAM:
                return f"reset {int.from_bytes(content, 'big')}"
            if kind in (DATA, HEADERS):
                if found := _GRPC_STATUS.search(content) if kind == HEADERS else None:
                    return f"grpc {int(found[1])}"
                if flags & END_STREAM:
                    return f"http {_http_status(content)}"
    except (asyncio.IncompleteReadError, ConnectionError):
        return "closed"


def _http_status(block: bytes) -> int:
    if found := _LITERAL_STATUS.match(block):
        return int(found[1])
    return _STATUSES.get(block[0], 0) if block else 0
