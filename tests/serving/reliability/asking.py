"""Connections that ask one question again and again; for load processes, hence no TensorFlow."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc

from rankbeam.serving.client import protocol

# A subchannel is otherwise shared by all channels of a process to one address.
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
_TIMEOUT_S = 30.0
_TOLERANCE = 1e-6
_MOST_SHOWN = 5

Scores = list[float]


@dataclass(frozen=True, slots=True)
class Tls:
    """What a client of the gRPC port shows and believes, as PEM text.

    Attributes:
        authority: who may sign the server's certificate.
        key: the client's own.
        certificate: the client's own.
    """

    authority: str
    key: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request and its right answers.

    Attributes:
        grpc_port: where Predict is asked.
        rest_port: where `:predict` is asked.
        predict: a PredictRequest's bytes.
        document: the same request as JSON.
        path: where the document is posted to.
        output: the answer's output that is looked at.
        expected: its values by the index of the model: version modulo how many there are.
        tls: for a gRPC port that speaks TLS.
    """

    grpc_port: int
    rest_port: int
    predict: bytes
    document: bytes
    path: str
    output: str
    expected: tuple[Scores, ...]
    tls: Tls | None = None

    def index_of(self, scores: Scores) -> int | None:
        """Which model gave these scores."""
        for index, expected in enumerate(self.expected):
            if len(scores) == len(expected) and all(
                abs(found - right) <= _TOLERANCE
                for found, right in zip(scores, expected, strict=True)
            ):
                return index
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """Scores, and the version that gave them where the protocol names it."""

    scores: Scores
    version: int | None = None


@dataclass(slots=True)
class Tally:
    """What came back.

    Attributes:
        answered: requests with the right answer of the version that it names.
        failed: requests that were refused or lost.
        wrong: answers of another model than the version's.
        backward: answers of an older version than the connection had seen.
        versions: the versions that answered.
        shown: the first few failures, in words.
    """

    answered: int = 0
    failed: int = 0
    wrong: int = 0
    backward: int = 0
    versions: set[int] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)

    def count(self, question: Question, before: "Answer | None", answer: "Answer") -> None:
        """Counts one answer, with the one before it on the same connection."""
        index = question.index_of(answer.scores)
        models = len(question.expected)
        if answer.version is not None:
            self.versions.add(answer.version)
            right = index == answer.version % models
            back = before is not None and (before.version or 0) > answer.version
        else:  # REST names no version; one step back of few models is three steps ahead
            right = index is not None
            last = None if before is None else question.index_of(before.scores)
            back = right and last is not None and (index or 0) == (last - 1) % models
        self.answered += right and not back
        self.wrong += not right
        self.backward += back

    def fail(self, why: str) -> None:
        """Counts a failure."""
        self.failed += 1
        if len(self.shown) < _MOST_SHOWN:
            self.shown.append(why)

    def add(self, other: "Tally") -> None:
        """Takes in what another connection counted."""
        self.answered += other.answered
        self.failed += other.failed
        self.wrong += other.wrong
        self.backward += other.backward
        self.versions |= other.versions
        self.shown += other.shown


class Asker(Protocol):
    """One connection."""

    async def ask(self) -> Answer:
        """Asks the question once."""

    async def close(self) -> None:
        """Ends the connection."""


class GrpcAsker:
    """A gRPC channel of its own."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._channel = _channel(question)
        self._predict = self._channel.unary_unary(protocol.PREDICT)

    async def ask(self) -> Answer:
        """Raises grpc.RpcError where it is not answered."""
        data = await self._predict(self._question.predict, timeout=_TIMEOUT_S)
        response = protocol.PredictResponse.FromString(data)
        scores = list(response.outputs[self._question.output].float_val)
        return Answer(scores, int(response.model_spec.version.value))

    async def close(self) -> None:
        """Ends the channel."""
        await self._channel.close()


def _channel(question: Question) -> Any:
    target, tls = f"127.0.0.1:{question.grpc_port}", question.tls
    if tls is None:
        return grpc.aio.insecure_channel(target, OWN_CONNECTION)
    shown = (tls.authority.encode(), tls.key.encode(), tls.certificate.encode())
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(*shown), OWN_CONNECTION)


class RestAsker:
    """A kept HTTP connection."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self) -> Answer:
        """Raises OSError, EOFError or AssertionError where it is not answered."""
        try:
            return await self._ask()
        except (OSError, EOFError, AssertionError):
            await self.close()  # the next question gets a connection of its own
            raise

    async def _ask(self) -> Answer:
        question = self._question
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1", question.rest_port
            )
        head = (
            f"POST {question.path} HTTP/1.1\r\nHost: test\r\n"
            f"Content-Length: {len(question.document)}\r\n\r\n"
        )
        self._writer.write(head.encode() + question.document)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        [length] = [line for line in lines if line.lower().startswith(b"content-length:")]
        body = await self._reader.readexactly(int(length.partition(b":")[2]))
        assert lines[0] == b"HTTP/1.1 200 OK", (lines[0], body)
        rows = json.loads(body)["predictions"]
        return Answer([row[question.output] for row in rows])

    async def close(self) -> None:
        """Ends the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


@dataclass(frozen=True, slots=True)
class Load:
    """What one load process does.

    Attributes:
        question: what it asks.
        over_grpc: connections.
        over_rest: connections.
        requests: how many it sends at least.
        stop: it goes on until this file is there.
    """

    question: Question
    over_grpc: int
    over_rest: int
    requests: int
    stop: Path


def run(load: Load) -> Tally:
    """Keeps every connection busy with one request after another."""
    return asyncio.run(_run(load))


async def _run(load: Load) -> Tally:
    question = load.question
    askers: list[Asker] = [GrpcAsker(question) for _ in range(load.over_grpc)]
    askers += [RestAsker(question) for _ in range(load.over_rest)]
    total = Tally()

    def goes_on() -> bool:
        sent = total.answered + total.failed + total.wrong + total.backward
        return sent < load.requests or not load.stop.exists()

    await asyncio.gather(*(_ask(asker, question, total, goes_on) for asker in askers))
    return total


async def _ask(asker: Asker, question: Question, total: Tally, goes_on: Callable[[], bool]) -> None:
    before: Answer | None = None
    while goes_on():
        try:
            answer = await asker.ask()
        except (grpc.RpcError, OSError, EOFError, AssertionError) as error:
            total.fail(repr(error))
            continue
        total.count(question, before, answer)
        before = answer
    await asker.close()
