"""The gRPC front: bytes to protos, deadlines and request ids in, statuses out.

The handlers take and return bytes, so that a message that is no proto gets its own clear answer,
and they run in the server's event loop; the graphs run in the core's threads. They read the message
themselves, as handlers of streams do: gRPC's own reading for a unary call leaves who sends half a
message, or none, without any answer.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from rankbeam.serving import status
from rankbeam.serving.engine.call import REQUEST_ID_KEY, Call, request_id
from rankbeam.serving.engine.core import ServerCore
from rankbeam.transform.stack import described_service

_log = logging.getLogger(__name__)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Not so metadata that are no text: gRPC would log each with a traceback, at clients' will."""
    return not str(record.msg).startswith("Invalid encoding on")


logging.getLogger("grpc._cython.cygrpc").addFilter(_is_worth_a_line)

# Loaded for reflection, which shows their descriptions to those who ask.
PREDICTION_SERVICE = described_service(
    "tensorflow_serving.apis.prediction_service_pb2", "tensorflow.serving.PredictionService"
)
MODEL_SERVICE = described_service(
    "tensorflow_serving.apis.model_service_pb2", "tensorflow.serving.ModelService"
)

_Context: TypeAlias = Any  # grpc.aio.ServicerContext; grpc carries no types
_Operation: TypeAlias = Callable[[Any, Call], Awaitable[Message]]
_Handler: TypeAlias = Callable[[Any, _Context], Awaitable[bytes]]


def generic_handlers(core: ServerCore) -> tuple[grpc.GenericRpcHandler, ...]:
    """TensorFlow Serving's two services; any other method is answered UNIMPLEMENTED by gRPC."""

    async def metadata(request: Any, call: Call) -> Message:
        answer: Message = core.metadata(request)
        return answer

    async def model_status(request: Any, call: Call) -> Message:
        answer: Message = core.model_status(request)
        return answer

    async def reload_config(request: Any, call: Call) -> Message:
        answer: Message = await core.reload_config(request)
        return answer

    prediction: Mapping[str, tuple[type[Message], _Operation]] = {
        "Predict": (predict_pb2.PredictRequest, core.predict),
        "Classify": (classification_pb2.ClassificationRequest, core.classify),
        "Regress": (regression_pb2.RegressionRequest, core.regress),
        "MultiInference": (inference_pb2.MultiInferenceRequest, core.multi_inference),
        "GetModelMetadata": (get_model_metadata_pb2.GetModelMetadataRequest, metadata),
    }
    models: Mapping[str, tuple[type[Message], _Operation]] = {
        "GetModelStatus": (get_model_status_pb2.GetModelStatusRequest, model_status),
        "HandleReloadConfigRequest": (model_management_pb2.ReloadConfigRequest, reload_config),
    }
    return (_service(PREDICTION_SERVICE, prediction), _service(MODEL_SERVICE, models))


def _service(
    name: str, methods: Mapping[str, tuple[type[Message], _Operation]]
) -> grpc.GenericRpcHandler:
    handlers = {
        method: grpc.stream_unary_rpc_method_handler(_handler(kind, operation))
        for method, (kind, operation) in methods.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers)


def _handler(kind: type[Message], operation: _Operation) -> _Handler:
    async def handle(_: object, context: _Context) -> bytes:
        data = await context.read()
        call = _call(context)
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
        try:
            response = await operation(_parse(kind, data), call)
            return response.SerializeToString()
        except status.Refusal as refusal:
            failure = refusal
        except Exception as error:  # one request must never take the server down
            _log.exception("request %s failed unexpectedly", call.request_id)
            failure = status.as_refusal(error)
        await context.abort(failure.code, failure.message)
        raise AssertionError("abort always raises")

    return handle


def _parse(kind: type[Message], data: Any) -> Message:
    # INTERNAL is what gRPC itself answers to both faults in TensorFlow Serving.
    if data is grpc.aio.EOF:
        raise status.Refusal(grpc.StatusCode.INTERNAL, "No payload")
    try:
        return kind.FromString(data)
    except (DecodeError, ValueError) as error:
        raise status.Refusal(
            grpc.StatusCode.INTERNAL, f"request is not a {kind.DESCRIPTOR.name}: {error}"
        ) from error


def _call(context: _Context) -> Call:
    given = None
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY:
            given = value
    started = time.monotonic()
    remaining = context.time_remaining()
    return Call(
        request_id=request_id(given if isinstance(given, str) else None),
        api="gRPC",
        deadline=None if remaining is None else started + remaining,
        started=started,
    )
