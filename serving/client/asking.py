"""Requests with one deadline over all of them: retries, back-off, and what each failure means."""

import time
from collections.abc import Sequence
from typing import Any, NoReturn

import grpc

from rankbeam.serving.client import protocol
from rankbeam.serving.client.ranking import CallRecord
from rankbeam.serving.client.retry import AWAY, RETRYABLE, Backoff
from rankbeam.serving.client.steps import Outcome, Pause, Send, Steps
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import RankbeamError

REQUEST_ID = "x-request-id"

# A version in one of these states will answer soon, or did a moment ago.
_COMING = {"START", "LOADING", "AVAILABLE", "UNLOADING"}


class ServerAway(RankbeamError):
    """No answer within the deadline and the attempts; never leaves the client."""


class VersionGone(RankbeamError):
    """A version that the client itself had chosen serves no more; never leaves the client."""


class Asking:
    """The requests of one `rank` call, under one deadline.

    Attributes:
        calls: a record of each request sent.
    """

    def __init__(self, target: str, request_id: str, timeout_s: float, backoff: Backoff) -> None:
        """Starts the clock."""
        self._target = target
        self._metadata = ((REQUEST_ID, request_id),)
        self._timeout_s = timeout_s
        self._backoff = backoff
        self.started = time.monotonic()
        self.calls: list[CallRecord] = []

    def ask(
        self,
        method: str,
        requests: Sequence[Any],
        *,
        sizes: Sequence[int] = (0,),
        pinned: bool = False,
        known: bool = False,
    ) -> Steps[list[Any]]:
        """Sends requests at once until each has an answer.

        Args:
            method: the gRPC method.
            requests: the messages.
            sizes: how many candidates each carries.
            pinned: the client chose the version that they name, not its user.
            known: the server has answered for this model before.

        Returns:
            The answers, in order.

        Raises:
            RequestRejected: the server says that a request is wrong.
            ServerAway: an answer is missing after the last attempt or at the deadline.
            VersionGone: the client's own choice of version does not serve.
        """
        answers: list[Any] = [None] * len(requests)
        open_places = list(range(len(requests)))
        attempt = 1
        while True:
            remaining = self._timeout_s - (time.monotonic() - self.started)
            if remaining <= 0:
                raise ServerAway(f"DEADLINE_EXCEEDED: no answer within {self._timeout_s} s")
            sent = tuple(requests[place] for place in open_places)
            outcomes = yield Send(method, sent, remaining, self._metadata)
            for place, outcome in zip(open_places, outcomes, strict=True):
                answers[place] = outcome.response
                self._record(method, sizes[place], attempt, outcome)
            failed = [outcome for outcome in outcomes if outcome.response is None]
            if not failed:
                return answers
            worst = yield from self._judge(failed, requests[0], attempt, pinned=pinned, known=known)
            yield from self._wait(worst, attempt)
            open_places = [place for place in open_places if answers[place] is None]
            attempt += 1

    def _judge(
        self, failed: Sequence[Outcome], request: Any, attempt: int, *, pinned: bool, known: bool
    ) -> Steps[Outcome]:
        """One of the failures, if all of them may be retried; else raises."""
        for outcome in failed:
            if outcome.code is grpc.StatusCode.NOT_FOUND:
                if pinned:
                    raise VersionGone(outcome.details)
                if known or (yield from self._is_coming(request)):
                    continue
            if outcome.code not in AWAY:
                raise RequestRejected(outcome.code.name, outcome.details, self._target)
        for outcome in failed:
            if outcome.code not in RETRYABLE | {grpc.StatusCode.NOT_FOUND}:
                self._give_up(outcome, attempt)
        return failed[0]

    def _wait(self, outcome: Outcome, attempt: int) -> Steps[None]:
        """The pause before the next attempt, if there is one."""
        pause = self._backoff.draw(attempt)
        left = self._timeout_s - (time.monotonic() - self.started)
        if attempt >= self._backoff.max_attempts or pause >= left:
            self._give_up(outcome, attempt)
        yield Pause(pause)

    def _give_up(self, outcome: Outcome, attempts: int) -> NoReturn:
        tried = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        raise ServerAway(f"{outcome.code.name} after {tried}: {outcome.details}")

    def _is_coming(self, request: Any) -> Steps[bool]:
        """Whether the server knows the model and merely has no version of it ready.

        As where a version has vanished and the next is on its way. (A server that has just started
        answers UNAVAILABLE.)
        """
        remaining = self._timeout_s - (time.monotonic() - self.started)
        if remaining <= 0:
            return True
        asked = protocol.GetModelStatusRequest(model_spec=request.model_spec)
        [outcome] = yield Send(protocol.STATUS, (asked,), remaining, self._metadata)
        self._record(protocol.STATUS, 0, 1, outcome)
        if outcome.response is None:
            return outcome.code in AWAY
        rows = outcome.response.model_version_status
        return any(protocol.STATES.get(row.state) in _COMING for row in rows)

    def _record(self, method: str, size: int, attempt: int, outcome: Outcome) -> None:
        answered = outcome.response is not None and method != protocol.STATUS
        version = int(outcome.response.model_spec.version.value) if answered else None
        self.calls.append(
            CallRecord(
                method.rsplit("/", 1)[-1],
                size,
                attempt,
                outcome.code.name,
                outcome.latency_s,
                version,
            )
        )
