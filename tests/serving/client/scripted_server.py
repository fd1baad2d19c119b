"""A real gRPC server, by the stock stubs, that fails as a test tells it to.

Its model: click = price / 100 and conversion = age / 10 of each tf.Example; a test sets versions,
faults and features at will.
"""

import threading
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

NAME = "scripted"
FEATURES = {"user": tf.string, "age": tf.int64, "price": tf.float32}
OUTPUTS = ("click", "conversion")

Behaviour = Callable[[predict_pb2.PredictRequest, grpc.ServicerContext], int]
"""Sees a Predict request before it is answered; may abort it; returns the version that answers."""


@dataclass
class Call:
    """What the server saw of one call."""

    method: str
    request: Any
    request_id: str
    timeout_s: float | None


@dataclass
class ScriptedServer:
    """Runs within a `with` block, at `target`.

    Attributes:
        version: what GetModelMetadata and, by default, Predict answer with.
        features: the model's features.
        predict: what happens to Predict requests.
        metadata_faults: codes that GetModelMetadata fails with, first to last, before it answers.
        states: version -> state in GetModelStatus; none is an unknown model.
        calls: what was seen, in order.
        credentials: gRPC's server credentials, for TLS.
    """

    port: int = 0
    version: int = 1
    features: dict[str, Any] = field(default_factory=lambda: dict(FEATURES))
    predict: Behaviour | None = None
    metadata_faults: list[grpc.StatusCode] = field(default_factory=list)
    states: dict[int, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    credentials: Any = None

    def __enter__(self) -> "ScriptedServer":
        self._lock = threading.Lock()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)]
        )
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            _Prediction(self), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(self), self._server)
        if self.credentials is None:
            self.port = self._server.add_insecure_port(self.target)
        else:
            self.port = self._server.add_secure_port(self.target, self.credentials)
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop(None).wait()

    @property
    def target(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def methods(self) -> list[str]:
        """The methods called, in order."""
        return [call.method for call in self.calls]

    def saw(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        """Notes a call."""
        request_id = dict(context.invocation_metadata()).get("x-request-id", "")
        with self._lock:
            self.calls.append(Call(method, request, request_id, context.time_remaining()))


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def Predict(  # noqa: N802 - the name is the protocol's
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Answers by the formula, if the script lets it."""
        script = self._script
        script.saw("Predict", request, context)
        version = script.version if script.predict is None else script.predict(request, context)
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        response.model_spec.version.value = version
        rows = [tf.train.Example.FromString(row) for row in request.inputs["examples"].string_val]
        columns = {
            "click": [sum(row.features.feature["price"].float_list.value) / 100 for row in rows],
            "conversion": [sum(row.features.feature["age"].int64_list.value) / 10 for row in rows],
        }
        for name, values in columns.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values, tf.float32))
        return response

    def GetModelMetadata(  # noqa: N802 - the name is the protocol's
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the script's features."""
        script = self._script
        script.saw("GetModelMetadata", request, context)
        if script.metadata_faults:
            context.abort(script.metadata_faults.pop(0), "as the script says")
        signatures = get_model_metadata_pb2.SignatureDefMap()
        raw = signatures.signature_def["raw_tensors"]
        for name, dtype in script.features.items():
            raw.inputs[name].dtype = dtype.as_datatype_enum
        default = signatures.signature_def["serving_default"]
        default.inputs["examples"].dtype = tf.string.as_datatype_enum
        for name in OUTPUTS:
            default.outputs[name].dtype = tf.float32.as_datatype_enum
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = NAME
        response.model_spec.version.value = request.model_spec.version.value or script.version
        response.metadata["signature_def"].Pack(signatures)
        return response


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def GetModelStatus(  # noqa: N802 - the name is the protocol's
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells the script's states."""
        self._script.saw("GetModelStatus", request, context)
        if not self._script.states:
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of the model")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, state in self._script.states.items():
            number = get_model_status_pb2.ModelVersionStatus.State.Value(state)
            response.model_version_status.add(version=version, state=number)
        return response


def failing(codes: list[grpc.StatusCode], version: int = 1) -> Behaviour:
    """Fails once with each code, first to last, then answers."""
    left = list(codes)
    lock = threading.Lock()

    def behave(request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> int:
        with lock:
            code = left.pop(0) if left else None
        if code is not None:
            context.abort(code, "as the script says")
        return version

    return behave


def hanging(request: predict_pb2.PredictRequest, context: grpc.ServicerContext) -> int:
    """Answers nobody who waits; ends when the caller has gone."""
    while context.is_active():
        time.sleep(0.01)
    context.abort(grpc.StatusCode.CANCELLED, "nobody waits")
    raise AssertionError("abort always raises")
