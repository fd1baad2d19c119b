"""Request bodies off the wire: as large, and as slow, as the server allows, and no more."""

import asyncio
import zlib

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

# zlib's "window bits": which header and trailer it expects around the compressed bytes.
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Unreadable(Exception):
    """A body cannot be read to its end; the connection is of no further use.

    Attributes:
        status: the HTTP status.
        message: says what is wrong.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


async def read(request: web.BaseRequest, *, max_bytes: int, timeout_s: float) -> bytes:
    """The request's body, decompressed.

    Args:
        request: whose body to read.
        max_bytes: the longest body that is taken, before and after decompression.
        timeout_s: seconds until it must have arrived.

    Raises:
        Unreadable: it is too long, too slow, or not encoded as its headers say.
        ConnectionError: the client went away.
    """
    if (request.content_length or 0) > max_bytes:
        raise _too_long(max_bytes)
    try:
        if request.content.is_eof():  # most bodies arrive with their headers
            body = request.content.read_nowait(-1)
        else:
            await _invite(request)
            body = await asyncio.wait_for(_drain(request, max_bytes), timeout_s)
    except asyncio.TimeoutError:
        raise Unreadable(408, f"The body did not arrive within {timeout_s:g} s") from None
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise _not_as_said(error) from None
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        body = await asyncio.to_thread(_decompress, body, encoding, max_bytes)
    if len(body) > max_bytes:
        raise _too_long(max_bytes)
    return body


def _decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """At most one byte more than is allowed, however much there is."""
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise Unreadable(415, f"Content-Encoding must be gzip or deflate; got {encoding}")
    inflating = zlib.decompressobj(bits)
    try:
        plain = inflating.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise _not_as_said(error) from None
    if len(plain) <= max_bytes and not inflating.eof:
        raise _not_as_said("it is cut short")
    return plain


def _not_as_said(reason: object) -> Unreadable:
    return Unreadable(400, f"The body is not encoded as its headers say: {reason}")


def _too_long(max_bytes: int) -> Unreadable:
    return Unreadable(413, f"A body must be at most {max_bytes} bytes long")


async def _invite(request: web.BaseRequest) -> None:
    """Answers a client that asks before it sends a long body, as curl does."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer itself has not begun


async def _drain(request: web.BaseRequest, max_bytes: int) -> bytes:
    pieces = bytearray()
    async for piece in request.content.iter_any():
        pieces += piece
        if len(pieces) > max_bytes:
            break
    return bytes(pieces)
