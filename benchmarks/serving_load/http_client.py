"""HTTP/1.1 in as few steps as a load generator can do with: kept-alive POSTs of ready bytes.

A general client costs more for each request than the server that it measures.
"""

import asyncio
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_OK = 200


class HttpError(Exception):
    """The server closed the connection, refused, or answered what this client does not read."""


def post(host: str, path: str, content_type: str, body: bytes) -> bytes:
    """A whole request as bytes, to be sent many times."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class Connection(asyncio.Protocol):
    """One connection with one request under way at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way to send."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass

    def data_received(self, data: bytes) -> None:
        """Ends the request once its answer is whole."""
        self._buffer += data
        try:
            found = parse(self._buffer)
        except ValueError as error:
            self.connection_lost(error)
            return
        if found is None or self._waiter is None or self._waiter.done():
            return
        self._buffer.clear()
        status, body = found
        if status == _OK:
            self._waiter.set_result(body)
        else:
            self._waiter.set_exception(HttpError(f"status {status}: {body[:200]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails the request under way."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(HttpError(f"connection lost: {exc}"))

    async def send(self, request: bytes) -> bytes:
        """Sends one request; returns the body of the answer.

        Raises:
            HttpError: The connection was lost, or the answer's status is not 200.
        """
        assert self._transport is not None
        if self._transport.is_closing():
            raise HttpError("connection lost")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()


def parse(buffer: bytes | bytearray) -> tuple[int, bytes] | None:
    """Status and body of an answer; None while it is not whole.

    Raises:
        ValueError: It is no HTTP answer with a Content-Length.
    """
    end = buffer.find(_HEAD_END)
    if end < 0:
        return None
    head = bytes(buffer[:end])
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        raise ValueError(f"answer must have a Content-Length; got {head[:200]!r}")
    length = int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    start = end + len(_HEAD_END)
    if len(buffer) < start + length:
        return None
    return int(head.split(b" ", 2)[1]), bytes(buffer[start : start + length])
