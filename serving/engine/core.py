"""All that a model server does, in TensorFlow Serving's protos; gRPC and REST only translate."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import TypeAlias

from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from rankbeam.serving import status, tensors
from rankbeam.serving.engine import describe, inference
from rankbeam.serving.engine.batching import Batcher
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.dispatch import Dispatcher
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.engine.seen import Seen, Use
from rankbeam.serving.request_log.logs import RequestLogs
from rankbeam.serving.servable import Servable
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array

_Examples: TypeAlias = classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest


class ServerCore:
    """The operations of PredictionService and ModelService.

    Every method raises `status.Refusal` for what TensorFlow Serving answers with an error.

    Args:
        registry: the models.
        executor: runs graphs of requests that are not alone.
        metrics: counts every inference request.
        batcher: gathers requests into batches; None runs each alone.
        logs: takes a sample of answered inference requests.
        check_method_names: whether Classify and Regress demand signatures declared for them.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        executor: Executor,
        metrics: Metrics,
        *,
        batcher: Batcher | None = None,
        logs: RequestLogs | None = None,
        check_method_names: bool = False,
    ) -> None:
        self.registry = registry
        self.metrics = metrics
        self._dispatcher = Dispatcher(executor)
        self._batcher = batcher
        self._logs = logs if logs is not None else RequestLogs(metrics)
        self._check_method_names = check_method_names

    async def predict(
        self, request: predict_pb2.PredictRequest, call: Call
    ) -> predict_pb2.PredictResponse:
        """Runs one signature of one version on the request's tensors."""
        with self._counted("Predict", call) as seen, self._use(request, seen) as servable:
            signature = servable.signature(request.model_spec.signature_name)
            seen.signature = signature.name
            wanted = signature.wanted(tuple(request.output_filter))
            arrays = signature.feeds(request.inputs)
            found = await self._run(servable, signature, arrays, call, seen)
            response = predict_pb2.PredictResponse(
                model_spec=describe.model_spec(servable, signature.name)
            )
            for name in wanted:
                tensors.encode_into(response.outputs[name], found[name])
            self._log(servable, request, response, call)
            return response

    async def classify(
        self, request: classification_pb2.ClassificationRequest, call: Call
    ) -> classification_pb2.ClassificationResponse:
        """Classes and scores for each example."""
        with self._counted("Classify", call) as seen, self._use(request, seen) as servable:
            found, count, spec = await self._infer(
                servable, request, inference.CLASSIFY, call, seen
            )
            response = classification_pb2.ClassificationResponse(
                result=inference.classifications(found, count), model_spec=spec
            )
            self._log(servable, request, response, call)
            return response

    async def regress(
        self, request: regression_pb2.RegressionRequest, call: Call
    ) -> regression_pb2.RegressionResponse:
        """One value for each example."""
        with self._counted("Regress", call) as seen, self._use(request, seen) as servable:
            found, count, spec = await self._infer(servable, request, inference.REGRESS, call, seen)
            response = regression_pb2.RegressionResponse(
                result=inference.regressions(found, count), model_spec=spec
            )
            self._log(servable, request, response, call)
            return response

    async def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest, call: Call
    ) -> inference_pb2.MultiInferenceResponse:
        """Several Classify and Regress tasks of one model on the same examples, in one run."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        first = inference_pb2.InferenceTask(model_spec=spec)
        with self._counted("MultiInference", call) as seen, self._use(first, seen) as servable:
            parts = inference.plan(servable, request.tasks, check_method=self._check_method_names)
            merged = servable.merged(tuple(part.name for part in parts))
            feeds = inference.feeds(merged, request.input)
            found = await self._run(servable, merged, feeds, call, seen)
            response = inference_pb2.MultiInferenceResponse()
            for part, task in zip(parts, request.tasks, strict=True):
                answers = inference.pick(part, found)
                added = inference.add_result(response, task.method_name, answers, seen.candidates)
                added.model_spec.CopyFrom(describe.model_spec(servable, part.name))
            self._log(servable, request, response, call)
            return response

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures of one version."""
        describe.check_metadata_request(request)
        with self.registry.use(describe.spec_of(request)) as servable:
            return describe.metadata(servable)

    def signature(self, spec: model_pb2.ModelSpec) -> Signature:
        """The signature that a ModelSpec names."""
        with self.registry.use(spec) as servable:
            return servable.signature(spec.signature_name)

    def model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Where each version of a model is in its life, and why it failed if it did."""
        if not request.HasField("model_spec"):
            raise status.invalid_argument("Missing ModelSpec")
        return describe.statuses(self.registry.statuses(request.model_spec))

    async def reload_config(
        self, request: model_management_pb2.ReloadConfigRequest
    ) -> model_management_pb2.ReloadConfigResponse:
        """Puts a new list of models in the place of the old one, and waits until it is served."""
        # A thread of its own: loading takes seconds, and the executor's are for requests.
        await asyncio.to_thread(self.reload, describe.reloaded_models(request))
        return model_management_pb2.ReloadConfigResponse()

    def reload(self, models: tuple[ModelSettings, ...]) -> None:
        """Puts a new list of models and of their request logs in force; may take seconds.

        Raises:
            status.Refusal: see `ModelRegistry.reload`.
        """
        try:
            self.registry.reload(models)
        finally:
            self._logs.update(self.registry.settings())

    async def _infer(
        self, servable: Servable, request: _Examples, method: str, call: Call, seen: Seen
    ) -> tuple[dict[str, Array], int, model_pb2.ModelSpec]:
        signature = inference.qualified(
            servable,
            request.model_spec.signature_name,
            method,
            check_method=self._check_method_names,
        )
        seen.signature = signature.name
        feeds = inference.feeds(signature, request.input)
        found = await self._run(servable, signature, feeds, call, seen)
        return found, seen.candidates, describe.model_spec(servable, signature.name)

    async def _run(
        self,
        servable: Servable,
        signature: Signature,
        arrays: Mapping[str, Array],
        call: Call,
        seen: Seen,
    ) -> dict[str, Array]:
        """Runs the graph, in a batch where that is on."""
        seen.candidates = next((len(a) for a in arrays.values() if a.ndim), 0)
        begin = time.monotonic()
        try:
            if self._batcher is not None:
                found = await self._batcher.call(servable, signature, arrays, call.deadline)
                if found is not None:
                    return found
            return await self._dispatcher.run(servable, signature, arrays, call)
        finally:
            seen.runtime_s = time.monotonic() - begin

    def _use(self, request: describe.HasModelSpec, seen: Seen) -> Use:
        return Use(self.registry, request, seen)

    def _counted(self, method: str, call: Call) -> Seen:
        return Seen(self.metrics, method, call)

    def _log(self, servable: Servable, request: Message, response: Message, call: Call) -> None:
        log = self._logs.get(servable.name)
        if log is not None:
            log.offer(
                request=request,
                response=response,
                call=call,
                transform_hash=servable.transform_hash,
            )
