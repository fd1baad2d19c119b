"""A load process that sends what is wrong, and what is right in between; no TensorFlow."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc

from tests.serving.reliability import http2
from tests.serving.reliability.asking import Asker, GrpcAsker, Question, RestAsker, Tally
from tests.serving.reliability.cases import Case, GrpcCase, HttpCase, RawCase

_TIMEOUT_S = 20.0
_GOOD_EVERY = 50
_CONNECTIONS = 8
_MOST_SHOWN = 20
_OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))


@dataclass(slots=True)
class Outcome:
    """What came back.

    Attributes:
        answers: (kind, code or end) -> how often.
        wrong: descriptions of answers that are not allowed.
        good: the right requests sent in between.
    """

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    good: Tally = field(default_factory=Tally)

    def note(self, case: Case, answer: str, right: bool, said: str = "") -> None:
        """Counts an answer."""
        self.answers[case.kind, answer] += 1
        if not right and len(self.wrong) < _MOST_SHOWN:
            self.wrong.append(f"{case.kind}: {answer} {said[:300]} for {str(case)[:300]}")
        elif not right:
            self.wrong.append(case.kind)

    def add(self, other: "Outcome") -> None:
        """Takes in another process's."""
        self.answers += other.answers
        self.wrong += other.wrong
        self.good.add(other.good)


@dataclass(frozen=True, slots=True)
class Attack:
    """What one process sends.

    Attributes:
        question: is asked in between, and must be answered right.
        cases: what is wrong, sent in this order by several connections.
    """

    question: Question
    cases: Sequence[Case]


def run(attack: Attack) -> Outcome:
    """Sends everything."""
    return asyncio.run(_run(attack))


async def _run(attack: Attack) -> Outcome:
    outcome = Outcome()
    waiting = iter(attack.cases)

    async def send(asker: Asker) -> None:
        sender = _Sender(attack.question, outcome)
        for number, case in enumerate(waiting):
            await sender.send(case)
            if number % _GOOD_EVERY == 0:
                await _ask(asker, attack.question, outcome.good)
        await sender.close()
        await asker.close()

    kinds = (GrpcAsker, RestAsker)
    await asyncio.gather(
        *(send(kinds[n % len(kinds)](attack.question)) for n in range(_CONNECTIONS))
    )
    return outcome


async def _ask(asker: Asker, question: Question, good: Tally) -> None:
    try:
        good.count(question, None, await asker.ask())
    except (grpc.RpcError, OSError, EOFError, AssertionError) as error:
        good.fail(repr(error))


class _Sender:
    """Sends cases one after another, over connections that it keeps where that is possible."""

    def __init__(self, question: Question, outcome: Outcome) -> None:
        self._question = question
        self._outcome = outcome
        target = f"127.0.0.1:{question.grpc_port}"
        self._channel = grpc.aio.insecure_channel(target, _OPTIONS)
        self._http: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, case: Case) -> None:
        """Sends one and notes what comes back."""
        try:
            if isinstance(case, GrpcCase):
                await self._grpc(case)
            elif isinstance(case, HttpCase):
                await self._rest(case)
            else:
                await self._raw(case)
        except (OSError, EOFError, TimeoutError, asyncio.TimeoutError) as error:
            self._outcome.note(case, type(error).__name__, right=False, said=str(error))
            self._leave()

    async def close(self) -> None:
        """Ends the connections."""
        self._leave()
        await self._channel.close()
        await asyncio.sleep(0.1)  # a closed transport lets go of its socket in the next rounds

    async def _grpc(self, case: GrpcCase) -> None:
        try:
            await self._channel.unary_unary(case.method)(case.data, timeout=_TIMEOUT_S)
            code, said = "OK", ""
        except grpc.aio.AioRpcError as error:
            code, said = error.code().name, error.details() or ""
        # Any other INTERNAL is a fault of the server's own.
        right = code in case.allowed and (code != "INTERNAL" or "request is not a " in said)
        self._outcome.note(case, code, right, said)

    async def _rest(self, case: HttpCase) -> None:
        if self._http is None:
            self._http = await asyncio.open_connection("127.0.0.1", self._question.rest_port)
        reader, writer = self._http
        writer.write(case.data)
        if case.cut:
            writer.write_eof()
        found = await asyncio.wait_for(read_answer(reader), _TIMEOUT_S)
        if found is None:
            self._outcome.note(case, "closed", case.cut)
            self._leave()
            return
        status, body = found
        right = status in case.allowed and (status == 200 or list(json.loads(body)) == ["error"])
        self._outcome.note(case, str(status), right, repr(body))
        if case.closes:
            self._leave()

    async def _raw(self, case: RawCase) -> None:
        port = self._question.grpc_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(case.data)
        if case.cut:
            writer.write_eof()
        answer = await asyncio.wait_for(http2.read_answer(reader), _TIMEOUT_S)
        writer.close()
        self._outcome.note(case, answer, answer in case.allowed)

    def _leave(self) -> None:
        if self._http is not None:
            self._http[1].close()
            self._http = None


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    """Status and body of an HTTP answer; None where the connection is closed instead."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    lines = head.split(b"\r\n")
    [length] = [line for line in lines if line.lower().startswith(b"content-length:")]
    body = await reader.readexactly(int(length.partition(b":")[2]))
    return int(lines[0].split(b" ", 2)[1]), body
