"""The ranking client for code that waits."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc

from rankbeam.serving.client import protocol
from rankbeam.serving.client.options import RankOptions
from rankbeam.serving.client.ranker import Ranker
from rankbeam.serving.client.ranking import Ranking
from rankbeam.serving.client.scoring import Fields
from rankbeam.serving.client.steps import Outcome, Outcomes, Pause, Send, Step, failure, success
from rankbeam.transform.errors import EnvironmentFault


class RankClient:
    """Ranks candidates by one model of one server, over one connection.

    All calls share the connection; any number of threads may use one client at once. Close it with
    `close`, or use it as a context manager.

    Attributes:
        target: the server, `host:port`.
        model_name: the model's name.
    """

    def __init__(self, target: str, model_name: str, options: RankOptions | None = None) -> None:
        """Connects at the first call.

        Raises:
            EnvironmentFault: a certificate cannot be read.
        """
        options = options or RankOptions()
        self.target = target
        self.model_name = model_name
        self._ranker = Ranker(target, model_name, options)
        self._channel = options.channel.open(target)
        self._closed = False
        self._methods = {
            method: self._channel.unary_unary(method, protocol.serialize, response.FromString)
            for method, response in protocol.RESPONSES.items()
        }

    def rank(
        self,
        context: Fields,
        candidates: Sequence[Fields],
        *,
        score: str = "ctcvr",
        limit: int | None = None,
        timeout_s: float | None = None,
        request_id: str | None = None,
    ) -> Ranking:
        """Orders candidates by a score, best first; equal scores keep the caller's order.

        Fields of context and candidates that are features of the model are sent; all others stay
        here and may be used in the score. A candidate's field hides the context's.

        Args:
            context: fields that all candidates share: the user, the device, the hour.
            candidates: each candidate's fields.
            score: an output of the model, an alias, or an expression such as `price * ctr * cvr`.
            limit: how many of the best to return; all by default.
            timeout_s: time for the whole call, in seconds; the options' by default.
            request_id: what to find this request by in the server's log; a random one by default.

        Returns:
            The order. `Ranking.fallback` tells that the server was away.

        Raises:
            ConfigError: the score is no expression or names what is not there, or an option breaks
                its rule.
            DataError: a field does not fit its feature, or a score is not finite.
            RequestRejected: the server says that the request is wrong.
            EnvironmentFault: the server is away and there is no fallback, or the client is closed.
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
                step = steps.send(self._do(step))
        except StopIteration as stop:
            ranking: Ranking = stop.value
            return ranking

    def close(self) -> None:
        """Closes the connection; calls under way and later ones are refused."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> "RankClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _do(self, step: Step) -> Outcomes:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return ()
        try:
            outcomes = self._send(step)
        except ValueError as error:  # what gRPC raises for a channel that is closed
            self._check_open()
            raise AssertionError("an open channel takes calls") from error
        if any(outcome.response is None for outcome in outcomes):
            self._check_open()
        return outcomes

    def _check_open(self) -> None:
        if self._closed:
            raise EnvironmentFault(f"client of {self.target} must be open; it was closed")

    def _send(self, step: Send) -> Outcomes:
        method = self._methods[step.method]
        if len(step.requests) > 1:
            return _send_all(method, step)
        begin = time.monotonic()
        try:
            response = method(step.requests[0], timeout=step.timeout_s, metadata=step.metadata)
        except grpc.RpcError as error:
            return (failure(error, time.monotonic() - begin),)
        return (success(response, time.monotonic() - begin),)


def _send_all(method: Any, step: Send) -> Outcomes:
    """Sends all requests before it waits for any."""
    begin = time.monotonic()
    ends: dict[int, float] = {}
    futures: list[Any] = []
    try:
        for place, request in enumerate(step.requests):
            future = method.future(request, timeout=step.timeout_s, metadata=step.metadata)
            futures.append(future)
            future.add_done_callback(
                lambda _, place=place: ends.setdefault(place, time.monotonic())
            )
        return tuple(_wait(future, begin, place, ends) for place, future in enumerate(futures))
    finally:
        for future in futures:  # where one wait was interrupted, the others are of no use
            future.cancel()


def _wait(future: Any, begin: float, place: int, ends: dict[int, float]) -> Outcome:
    try:
        response = future.result()
    except grpc.RpcError as error:
        return failure(error, ends.get(place, time.monotonic()) - begin)
    except grpc.FutureCancelledError:
        details = "the call was cancelled"
        end = ends.get(place, time.monotonic())
        return Outcome(grpc.StatusCode.CANCELLED, details, None, end - begin)
    return success(response, ends.get(place, time.monotonic()) - begin)
