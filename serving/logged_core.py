"""A core whose request log takes Classify, Regress and MultiInference, as TensorFlow Serving's."""

from contextvars import ContextVar

from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_pb2,
    regression_pb2,
)

from rankbeam.serving.engine import describe
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.core import ServerCore
from rankbeam.serving.engine.seen import Seen, Use
from rankbeam.serving.servable import Servable

# A request's answer does not say which transform its version has, and when the answer is there the
# version may be gone. Only the hash is kept: a kept version would stay in memory.
_transform_hash: ContextVar[str] = ContextVar("transform_hash", default="")


class _Noting(Use):
    """Notes the transform of the version that answers."""

    __slots__ = ()

    def __enter__(self) -> Servable:
        servable = super().__enter__()
        _transform_hash.set(servable.transform_hash)
        return servable


class LoggedCore(ServerCore):
    """Logs what ServerCore answers beside Predict, which that logs itself."""

    async def classify(
        self, request: classification_pb2.ClassificationRequest, call: Call
    ) -> classification_pb2.ClassificationResponse:
        """As ServerCore, and logged."""
        response = await super().classify(request, call)
        self._offer(request, response, response.model_spec, call)
        return response

    async def regress(
        self, request: regression_pb2.RegressionRequest, call: Call
    ) -> regression_pb2.RegressionResponse:
        """As ServerCore, and logged."""
        response = await super().regress(request, call)
        self._offer(request, response, response.model_spec, call)
        return response

    async def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest, call: Call
    ) -> inference_pb2.MultiInferenceResponse:
        """As ServerCore, and logged, as one record."""
        response = await super().multi_inference(request, call)
        self._offer(request, response, response.results[0].model_spec, call)
        return response

    def _use(self, request: describe.HasModelSpec, seen: Seen) -> Use:
        if seen.method == "Predict":
            return super()._use(request, seen)
        return _Noting(self.registry, request, seen)

    def _offer(
        self, request: Message, response: Message, spec: model_pb2.ModelSpec, call: Call
    ) -> None:
        log = self._logs.get(spec.name)
        if log is not None:
            transform_hash = _transform_hash.get()
            log.offer(request=request, response=response, call=call, transform_hash=transform_hash)
