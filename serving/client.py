"""A thin gRPC client for any server that speaks TensorFlow Serving's protocol."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import grpc
import numpy.typing as npt
import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from rankbeam.serving import tensors
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import EnvironmentFault

_Response = TypeVar("_Response")

# TensorFlow 2 lists its initialisation among the signatures; it cannot be called.
_INIT_SIGNATURE = "__saved_model_init_op"

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A server that is just starting is met soon after it listens, not seconds later.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A client of a server on this host must not be sent through a proxy of the environment.
    ("grpc.enable_http_proxy", 0),
)

# The server was not reached, died, or was too slow: nothing is wrong with the request.
_FAULTS = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Prediction(Mapping[str, tensors.Array]):
    """One answer: a mapping from output name to array, and which version gave it.

    Attributes:
        outputs: output name -> array; the first axis is the request's batch.
        model_name: the model that answered.
        model_version: its version.
        signature_name: the signature that ran.
    """

    outputs: Mapping[str, tensors.Array]
    model_name: str
    model_version: int
    signature_name: str

    def __getitem__(self, name: str) -> tensors.Array:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """One signature: input and output names -> dtype and shape (None where it may vary)."""

    inputs: Mapping[str, tf.TensorSpec]
    outputs: Mapping[str, tf.TensorSpec]


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One row of GetModelStatus: state by name (`AVAILABLE`, ...), and the error if it has one."""

    version: int
    state: str
    error_code: int
    error_message: str


class PredictClient:
    """Asks one model of one server; closes its connection with `close` or as context manager.

    Attributes:
        target: the server, `host:port`.
        model_name: the model's name.
    """

    def __init__(
        self, target: str, model_name: str, *, version: int | None = None, timeout_s: float = 10.0
    ) -> None:
        """Connects at the first call.

        Args:
            target: the server, `host:port`.
            model_name: the model's name.
            version: ask for this very version; by default the server chooses.
            timeout_s: deadline of each call, in seconds.
        """
        self.target = target
        self.model_name = model_name
        self._version = version
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict_examples(
        self,
        examples: Sequence[bytes],
        signature_name: str = "serving_default",
        *,
        input_name: str = "examples",
    ) -> Prediction:
        """Scores serialized tf.Examples, in one request.

        Raises:
            RequestRejected: the server says the request is wrong.
            EnvironmentFault: the server is away or did not answer in time.
        """
        return self.predict_tensors({input_name: list(examples)}, signature_name)

    def predict_tensors(
        self, inputs: Mapping[str, npt.ArrayLike], signature_name: str = "raw_tensors"
    ) -> Prediction:
        """Scores named tensors, in one request; each array must have the signature's dtype.

        Raises:
            RequestRejected: the server says the request is wrong.
            EnvironmentFault: the server is away or did not answer in time.
        """
        request = predict_pb2.PredictRequest(
            model_spec=self._spec(signature_name),
            inputs={name: tensors.encode(values) for name, values in inputs.items()},
        )
        return self.predict(request)

    def predict(self, request: predict_pb2.PredictRequest) -> Prediction:
        """Sends a request as it is.

        Raises:
            RequestRejected: the server says the request is wrong.
            EnvironmentFault: the server is away or did not answer in time.
        """
        response = self._call(self._prediction.Predict, request)
        return Prediction(
            outputs={name: tensors.decode_array(out) for name, out in response.outputs.items()},
            model_name=response.model_spec.name,
            model_version=int(response.model_spec.version.value),
            signature_name=response.model_spec.signature_name,
        )

    def metadata(self) -> dict[str, SignatureInfo]:
        """Signature name -> its inputs and outputs.

        Raises:
            RequestRejected: the server does not serve the model.
            EnvironmentFault: the server is away or did not answer in time.
        """
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._spec(), metadata_field=["signature_def"]
        )
        response = self._call(self._prediction.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {
            name: SignatureInfo(_specs(found.inputs), _specs(found.outputs))
            for name, found in signatures.signature_def.items()
            if name != _INIT_SIGNATURE
        }

    def status(self) -> list[ServedVersion]:
        """The versions the server knows, in its order.

        Raises:
            RequestRejected: the server knows no version of the model.
            EnvironmentFault: the server is away or did not answer in time.
        """
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec())
        response = self._call(self._models.GetModelStatus, request)
        state_name = get_model_status_pb2.ModelVersionStatus.State.Name
        return [
            ServedVersion(
                int(row.version),
                state_name(row.state),
                int(row.status.error_code),
                row.status.error_message,
            )
            for row in response.model_version_status
        ]

    def close(self) -> None:
        """Closes the connection; the client cannot be used after it."""
        self._channel.close()

    def __enter__(self) -> "PredictClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _spec(self, signature_name: str = "") -> model_pb2.ModelSpec:
        spec = model_pb2.ModelSpec(name=self.model_name, signature_name=signature_name)
        if self._version is not None:
            spec.version.value = self._version
        return spec

    def _call(self, method: Callable[..., _Response], request: Message) -> _Response:
        try:
            return method(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
        if code in _FAULTS:
            raise EnvironmentFault(
                f"server {self.target} must answer within {self._timeout_s} s; "
                f"got {code.name}: {details}"
            )
        raise RequestRejected(code.name, details, self.target)


def _specs(infos: Mapping[str, Any]) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype), name)
        for name, info in infos.items()
    }
