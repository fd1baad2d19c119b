"""Clients that send a byte now and then, hundreds at a time; for a load process, no TensorFlow."""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from pathlib import Path

from tests.serving.reliability.attack import Outcome, read_answer
from tests.serving.reliability.cases import End, HttpCase, RawCase

_PAUSE_S = 0.5
_TIMEOUT_S = 30.0
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# What comes late is wrong JSON, or is given up by the server.
_ALLOWED = frozenset({400, 408})


@dataclass(frozen=True, slots=True)
class Slow:
    """What the process does.

    Attributes:
        rest_port: half of the connections go there, and send the body of a request.
        grpc_port: the others go there, and send the first bytes of HTTP/2.
        connections: how many.
        path: where bodies are posted to.
        stop: they go on until this file is there; then requests are sent to their end.
    """

    rest_port: int
    grpc_port: int
    connections: int
    path: str
    stop: Path


def run(slow: Slow) -> Outcome:
    """Holds all connections at the same time."""
    return asyncio.run(_run(slow))


async def _run(slow: Slow) -> Outcome:
    outcome = Outcome()
    rng = random.Random(7)
    half = slow.connections // 2
    await asyncio.gather(
        *(_body(slow, rng.randint(50, 5000), outcome) for _ in range(half)),
        *(_preface(slow, outcome) for _ in range(slow.connections - half)),
    )
    return outcome


async def _body(slow: Slow, length: int, outcome: Outcome) -> None:
    head = f"POST {slow.path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"
    case = HttpCase("slow body", head.encode(), _ALLOWED)
    reader, writer = await asyncio.open_connection("127.0.0.1", slow.rest_port)
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
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _preface(slow: Slow, outcome: Outcome) -> None:
    case = RawCase("slow preface", _PREFACE, End.CLIENT)
    reader, writer = await asyncio.open_connection("127.0.0.1", slow.grpc_port)
    gone = asyncio.ensure_future(_until_closed(reader))
    sent = 0
    while not slow.stop.exists() and not gone.done():
        if sent < len(_PREFACE) - 1:
            writer.write(_PREFACE[sent : sent + 1])
            sent += 1
        await asyncio.sleep(_PAUSE_S)
    outcome.note(case, "closed" if gone.done() else "left", right=True)
    writer.close()
    await gone


async def _until_closed(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read(-1)
