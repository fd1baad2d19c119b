"""A thin gRPC client for any server that speaks TensorFlow Serving's protocol."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import grpc
import numpy.typing as npt

from rankbeam.serving.client import arrays, protocol
from rankbeam.serving.client.channel import ChannelOptions
from rankbeam.serving.client.retry import NO_RETRY, RETRYABLE, Backoff, RetryPolicy
from rankbeam.serving.client.signatures import SignatureInfo, metadata_request, read_metadata
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import EnvironmentFault

# The server was not reached, died, or was too slow: nothing is wrong with the request.
_FAULTS = RETRYABLE | {
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Prediction(Mapping[str, arrays.Array]):
    """One answer: a mapping from output name to array, and which version gave it.

    Attributes:
        outputs: output name -> array; the first axis is the request's batch.
        model_name: the model that answered.
        model_version: its version.
        signature_name: the signature that ran.
    """

    outputs: Mapping[str, arrays.Array]
    model_name: str
    model_version: int
    signature_name: str

    def __getitem__(self, name: str) -> arrays.Array:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)


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
        self,
        target: str,
        model_name: str,
        *,
        version: int | None = None,
        timeout_s: float = 10.0,
        channel: ChannelOptions | None = None,
        retry: RetryPolicy = NO_RETRY,
    ) -> None:
        """Connects at the first call.

        Args:
            target: the server, `host:port`.
            model_name: the model's name.
            version: ask for this very version; by default the server chooses.
            timeout_s: deadline of each call, retries and the waits between them included, in
                seconds.
            channel: how to connect; by default without TLS.
            retry: what to do when the server is away; by default nothing.

        Raises:
            EnvironmentFault: a certificate cannot be read.
        """
        self.target = target
        self.model_name = model_name
        self._version = version
        self._timeout_s = timeout_s
        self._backoff = Backoff(retry)
        self._channel = (channel or ChannelOptions()).open(target)
        self._methods = {
            method: self._channel.unary_unary(method, protocol.serialize, response.FromString)
            for method, response in protocol.RESPONSES.items()
        }

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
        request = protocol.PredictRequest(
            model_spec=self._spec(signature_name),
            inputs={name: arrays.encode(values) for name, values in inputs.items()},
        )
        return self.predict(request)

    def predict(self, request: Any) -> Prediction:
        """Sends a PredictRequest as it is: this package's message, or that of the stock stubs.

        Raises:
            RequestRejected: the server says the request is wrong.
            EnvironmentFault: the server is away or did not answer in time.
        """
        response = self._call(protocol.PREDICT, request)
        return Prediction(
            outputs={name: arrays.decode(out) for name, out in response.outputs.items()},
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
        return read_metadata(self._call(protocol.METADATA, metadata_request(self._spec())))

    def status(self) -> list[ServedVersion]:
        """The versions the server knows, in its order.

        Raises:
            RequestRejected: the server knows no version of the model.
            EnvironmentFault: the server is away or did not answer in time.
        """
        request = protocol.GetModelStatusRequest(model_spec=self._spec())
        response = self._call(protocol.STATUS, request)
        return [
            ServedVersion(
                int(row.version),
                protocol.STATES.get(row.state, str(row.state)),
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

    def _spec(self, signature_name: str = "") -> Any:
        return protocol.model_spec(self.model_name, signature_name, version=self._version)

    def _call(self, method: str, request: Any) -> Any:
        deadline = time.monotonic() + self._timeout_s
        attempt = 1
        while True:
            remaining = deadline - time.monotonic()
            try:
                return self._methods[method](request, timeout=remaining)
            except grpc.RpcError as error:
                code, details = error.code(), error.details()
            pause = self._backoff.draw(attempt)
            late = time.monotonic() + pause >= deadline
            if code not in RETRYABLE or attempt >= self._backoff.max_attempts or late:
                break
            time.sleep(pause)
            attempt += 1
        if code in _FAULTS:
            raise EnvironmentFault(
                f"server {self.target} must answer within {self._timeout_s} s; "
                f"got {code.name}: {details}"
            )
        raise RequestRejected(code.name, details, self.target)
