"""Clients that send a byte now and then, or no more; hundreds at a time. No TensorFlow.

Beside them a few bodies are sent that really are longer than any server takes.
"""

import asyncio
import contextlib
import gzip
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.serving.reliability import http2
from tests.serving.reliability.attack import Outcome, read_answer
from tests.serving.reliability.cases import HttpCase, RawCase

_PAUSE_S = 0.5
_TIMEOUT_S = 30.0
# What comes late is wrong JSON, or is given up by the server.
_LATE = frozenset({400, 408})
_CLOSED = frozenset({"closed"})
_PREFIX = 5  # bytes before a gRPC message
_PIECE = 1 << 20
_TOO_MANY = 257  # pieces; a body may have 256 MB

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Slow:
    """What the process does.

    Attributes:
        rest_port: bodies go there.
        grpc_port: the first bytes of HTTP/2 go there, and messages.
        each: connections of each of the four slow kinds.
        oversized: bodies that are longer than allowed.
        path: where bodies are posted to.
        call: a HEADERS frame that begins a gRPC call, which has a deadline of its own.
        stop: slow bodies go on until this file is there; then they are sent to their end.
    """

    rest_port: int
    grpc_port: int
    each: int
    oversized: int
    path: str
    call: bytes
    stop: Path

    @property
    def count(self) -> int:
        """How many requests that is."""
        return 4 * self.each + self.oversized


def run(slow: Slow) -> Outcome:
    """Holds all connections at the same time; oversized bodies come one after another."""
    return asyncio.run(_run(slow))


async def _run(slow: Slow) -> Outcome:
    outcome = Outcome()
    rng = random.Random(7)
    kinds = (_body, _preface, _half_preface, _message)
    await asyncio.gather(
        *(kind(slow, rng, outcome) for kind in kinds for _ in range(slow.each)),
        _oversized(slow, outcome),
    )
    return outcome


@asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _body(slow: Slow, rng: random.Random, outcome: Outcome) -> None:
    length = rng.randint(50, 5000)
    head = f"POST {slow.path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
    case = HttpCase("slow body", head.encode(), _LATE)
    async with _connected(slow.rest_port) as (reader, writer):
        writer.write(case.data)
        left = length
        answer = asyncio.ensure_future(read_answer(reader))
        while not slow.stop.exists() and left > 1 and not answer.done():
            writer.write(b"[")
            left -= 1
            await asyncio.sleep(_PAUSE_S)
        if not answer.done():
            writer.write(b"[" * left)
        found = await asyncio.wait_for(answer, _TIMEOUT_S)
    status = None if found is None else found[0]
    outcome.note(case, str(status), status in case.allowed)


async def _preface(slow: Slow, rng: random.Random, outcome: Outcome) -> None:
    case = RawCase("slow preface", http2.PREFACE, _CLOSED)
    await _dripping(slow, case, b"", case.data, outcome)


async def _half_preface(slow: Slow, rng: random.Random, outcome: Outcome) -> None:
    begun = http2.PREFACE[: rng.randrange(len(http2.PREFACE))]
    case = RawCase("half a preface, then silence", begun, _CLOSED)
    await _dripping(slow, case, begun, b"", outcome)


async def _message(slow: Slow, rng: random.Random, outcome: Outcome) -> None:
    allowed = frozenset({"grpc 4"})  # DEADLINE_EXCEEDED
    case = RawCase("slow message", http2.PREFACE + http2.SETTINGS + slow.call, allowed)
    announced = http2.message(b"x" * rng.randrange(1, 200))[:_PREFIX]
    frames = b"".join(
        http2.frame(http2.DATA, 0, http2.STREAM, announced[at : at + 1]) for at in range(_PREFIX)
    )
    await _dripping(slow, case, case.data, frames, outcome)


async def _dripping(
    slow: Slow, case: RawCase, at_once: bytes, then: bytes, outcome: Outcome
) -> None:
    """Sends something, then the rest byte by byte; the server has to end it."""
    async with _connected(slow.grpc_port) as (reader, writer):
        writer.write(at_once)
        answer = asyncio.ensure_future(http2.read_answer(reader))
        for at in range(len(then)):
            if answer.done():
                break
            writer.write(then[at : at + 1])
            await asyncio.wait({answer}, timeout=_PAUSE_S)
        found = await asyncio.wait_for(answer, _TIMEOUT_S)
    outcome.note(case, found, found in case.allowed)


async def _oversized(slow: Slow, outcome: Outcome) -> None:
    kinds: tuple[tuple[str, Callable[[Slow, asyncio.StreamWriter], Awaitable[None]]], ...] = (
        ("oversized body in chunks", _send_chunks),
        ("oversized body, compressed", _send_compressed),
    )
    for number in range(slow.oversized):
        kind, send = kinds[number % len(kinds)]
        case = HttpCase(kind, slow.path.encode(), frozenset({413}))
        async with _connected(slow.rest_port) as (reader, writer):
            sending = asyncio.ensure_future(send(slow, writer))
            found = await asyncio.wait_for(read_answer(reader), _TIMEOUT_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        status = None if found is None else found[0]
        outcome.note(case, str(status), status in case.allowed)


async def _send_chunks(slow: Slow, writer: asyncio.StreamWriter) -> None:
    head = f"POST {slow.path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    chunk = f"{_PIECE:x}\r\n".encode() + b"[" * _PIECE + b"\r\n"
    for _ in range(_TOO_MANY):
        writer.write(chunk)
        await writer.drain()
    writer.write(b"0\r\n\r\n")


async def _send_compressed(slow: Slow, writer: asyncio.StreamWriter) -> None:
    body = gzip.compress(b"[" * (_PIECE * _TOO_MANY), 1)
    head = f"POST {slow.path} HTTP/1.1\r\nHost: test\r\nContent-Encoding: gzip\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
