"""The ranking client for asyncio."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc
from grpc import aio

from rankbeam.serving.client import protocol
from rankbeam.serving.client.options import RankOptions
from rankbeam.serving.client.ranker import Ranker
from rankbeam.serving.client.ranking import Ranking
from rankbeam.serving.client.scoring import Fields
from rankbeam.serving.client.steps import Outcome, Outcomes, Pause, Send, Step, failure, success
from rankbeam.transform.errors import EnvironmentFault


class AsyncRankClient:
    """`RankClient` for asyncio: the same calls, answers and errors.

    Use it in one event loop, the one that runs at its first call; any number of tasks may share it.
    Close it with `await close()`, or use it as an async context manager.

    Attributes:
        target: the server, `host:port`.
        model_name: the model's name.
    """

    def __init__(self, target: str, model_name: str, options: RankOptions | None = None) -> None:
        """Connects at the first call."""
        self.target = target
        self.model_name = model_name
        self._options = options or RankOptions()
        self._ranker = Ranker(target, model_name, self._options)
        self._channel: Any = None
        self._closed = False
        self._methods: dict[str, Any] = {}

    async def rank(
        self,
        context: Fields,
        candidates: Sequence[Fields],
        *,
        score: str = "ctcvr",
        limit: int | None = None,
        timeout_s: float | None = None,
        request_id: str | None = None,
    ) -> Ranking:
        """Orders candidates by a score, best first: see `RankClient.rank`.

        A task that is cancelled cancels its requests.

        Raises:
            ConfigError: the score is no expression or names what is not there, or an option breaks
                its rule.
            DataError: a field does not fit its feature, or a score is not finite.
            RequestRejected: the server says that the request is wrong.
            EnvironmentFault: the server is away and there is no fallback, the client is closed, or
                a certificate cannot be read.
        """
        steps = self._ranker.rank(
            context,
            candidates,
            score=score,
            limit=limit,
            timeout_s=timeout_s,
            request_id=request_id,
        )
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._do(step))
        except StopIteration as stop:
            ranking: Ranking = stop.value
            return ranking

    async def close(self) -> None:
        """Closes the connection; calls under way and later ones are refused."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> "AsyncRankClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _do(self, step: Step) -> Outcomes:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return ()
        self._open()
        outcomes = await asyncio.gather(*(self._send(step, each) for each in step.requests))
        if any(outcome.response is None for outcome in outcomes):
            self._check_open()
        return tuple(outcomes)

    def _open(self) -> None:
        """Makes the channel in the loop that will use it."""
        self._check_open()
        if self._channel is None:
            self._channel = self._options.channel.open_aio(self.target)
            self._methods = {
                method: self._channel.unary_unary(method, protocol.serialize, response.FromString)
                for method, response in protocol.RESPONSES.items()
            }

    def _check_open(self) -> None:
        if self._closed:
            raise EnvironmentFault(f"client of {self.target} must be open; it was closed")

    async def _send(self, step: Send, request: Any) -> Outcome:
        method = self._methods[step.method]
        begin = time.monotonic()
        try:
            response = await method(request, timeout=step.timeout_s, metadata=step.metadata)
        except aio.AioRpcError as error:
            return failure(error, time.monotonic() - begin)
        except (asyncio.CancelledError, aio.UsageError):
            if not self._closed:
                raise
            # Closing cancels what is under way; it is not the task that was cancelled.
            details = "the client was closed"
            return Outcome(grpc.StatusCode.CANCELLED, details, None, time.monotonic() - begin)
        return success(response, time.monotonic() - begin)
