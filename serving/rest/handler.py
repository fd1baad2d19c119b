"""One REST request from path and body to answer: the operations of the core, in JSON."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from rankbeam.serving import status
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.core import ServerCore
from rankbeam.serving.rest import (
    documents,
    example_json,
    other_answers,
    paths,
    predict_answer,
    predict_json,
)
from rankbeam.serving.rest.http_status import http_status

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

# Conversions of more than this run in a thread: they take about a millisecond.
_INLINE_BYTES = 1 << 16
_INLINE_VALUES = 1 << 12


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: the HTTP status and JSON."""

    status: int
    body: bytes


@dataclass(slots=True)
class _Progress:
    """How far a request came, for the metrics."""

    model: str = ""
    method: str = ""
    counted: bool = False


class Handler:
    """Answers the paths below `/v1/`.

    Args:
        core: does what is asked.
        executor: runs long conversions, so that the event loop goes on.
    """

    def __init__(self, core: ServerCore, executor: Executor) -> None:
        self._core = core
        self._executor = executor

    async def answer(self, method: str, path: str, body: bytes, call: Call) -> Answer:
        """The answer to any request; never raises.

        Args:
            method: the HTTP method.
            path: path and query as sent.
            body: the body, decompressed.
            call: who asks.
        """
        progress = _Progress()
        code = grpc.StatusCode.OK
        try:
            content = await self._within(call, self._dispatch(method, path, body, call, progress))
        except status.Refusal as refusal:
            code, content = refusal.code, other_answers.error(refusal.message)
        except Exception as error:  # one request must never take the server down
            _log.exception("request %s failed unexpectedly", call.request_id)
            failure = status.as_refusal(error)
            code, content = failure.code, other_answers.error(failure.message)
        if not progress.counted:
            self._count(progress, code, call)
        return Answer(http_status(code), content)

    async def _within(self, call: Call, work: Awaitable[_Result]) -> _Result:
        """Waits as long as the caller does.

        The work itself goes on to its end: a graph that runs cannot be stopped, and must not lose
        its model meanwhile.
        """
        if call.deadline is None:
            return await work
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, call.deadline - time.monotonic()))
        if not done:
            task.add_done_callback(_forget)
            raise status.Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded")
        return task.result()

    async def _dispatch(
        self, method: str, path: str, body: bytes, call: Call, progress: _Progress
    ) -> bytes:
        target = paths.parse(method, path)
        progress.method = target.what.value
        if target.model.name in self._core.registry.names():
            progress.model = target.model.name
        if target.what is paths.What.STATUS:
            asked = get_model_status_pb2.GetModelStatusRequest(model_spec=target.model)
            return other_answers.model_status(self._core.model_status(asked))
        if target.what is paths.What.METADATA:
            request = get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=target.model, metadata_field=["signature_def"]
            )
            return other_answers.metadata(self._core.metadata(request))
        document = await self._convert(len(body), lambda: documents.parse(body))
        target.model.signature_name = predict_json.signature_name(document)
        if target.what is paths.What.PREDICT:
            return await self._predict(target.model, document, len(body), call, progress)
        return await self._infer(target, document, len(body), call, progress)

    async def _predict(
        self,
        model: model_pb2.ModelSpec,
        document: predict_json.Document,
        size: int,
        call: Call,
        progress: _Progress,
    ) -> bytes:
        specs = self._input_specs(model)
        layout, inputs = await self._convert(size, lambda: predict_json.tensors(document, specs))
        progress.counted = True
        request = predict_pb2.PredictRequest(model_spec=model, inputs=inputs)
        outputs = (await self._core.predict(request, call)).outputs
        values = sum(proto.ByteSize() for proto in outputs.values()) // 4
        long = _INLINE_BYTES + 1 if values > _INLINE_VALUES else 0
        return await self._convert(long, lambda: predict_answer.predictions(layout, outputs))

    def _input_specs(self, model: model_pb2.ModelSpec) -> predict_json.Specs:
        name = model.signature_name or "serving_default"
        try:
            specs = self._core.signature(model).inputs
        except status.Refusal as refusal:
            if refusal.code is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # REST has words and a code of its own for this.
            raise status.invalid_argument(
                f'Serving signature name: "{name}" not found in signature def'
            ) from None
        if not specs:
            raise status.invalid_argument(
                f"Failed to get input map for signature: {model.signature_name or 'DEFAULT'}"
            )
        return specs

    async def _infer(
        self,
        target: paths.Target,
        document: predict_json.Document,
        size: int,
        call: Call,
        progress: _Progress,
    ) -> bytes:
        if target.what is paths.What.CLASSIFY:
            asked = classification_pb2.ClassificationRequest(model_spec=target.model)
            await self._convert(size, lambda: example_json.fill_input(document, asked.input))
            progress.counted = True
            classified = await self._core.classify(asked, call)
            return other_answers.classifications(classified.result)
        request = regression_pb2.RegressionRequest(model_spec=target.model)
        await self._convert(size, lambda: example_json.fill_input(document, request.input))
        progress.counted = True
        return other_answers.regressions((await self._core.regress(request, call)).result)

    async def _convert(self, size: int, work: Callable[[], _Result]) -> _Result:
        if size <= _INLINE_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _count(self, progress: _Progress, code: grpc.StatusCode, call: Call) -> None:
        """Counts what the core did not: questions about models, requests that did not reach it."""
        self._core.metrics.observe(
            model=progress.model,
            version=None,
            signature="",
            method=progress.method,
            api="REST",
            code=code,
            seconds=time.monotonic() - call.started,
            candidates=0,
        )


def _forget(task: "asyncio.Future[Any]") -> None:
    """Takes note of an end that nobody waits for, so that asyncio does not warn of it."""
    if not task.cancelled():
        task.exception()
