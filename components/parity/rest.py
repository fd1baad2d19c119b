"""Predict over REST as any client would: rows of base64, by the standard library alone."""

import base64
import http.client
import json
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from rankbeam.components.parity.logic import Array
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import EnvironmentFault

# The server is away, overloaded or too slow: nothing is wrong with the request.
_FAULT_CODES = frozenset({408, 429, 502, 503, 504})


class RestClient:
    """Asks one model over one kept connection.

    Args:
        target: `host:port` of the REST service.
        model_name: the model's name.
        timeout_s: deadline of each request, in seconds.
    """

    def __init__(self, target: str, model_name: str, timeout_s: float) -> None:
        self._target = target
        self._path = f"/v1/models/{model_name}:predict"
        self._timeout_s = timeout_s
        self._connection = http.client.HTTPConnection(target, timeout=timeout_s)

    def predict_examples(
        self, rows: Sequence[bytes], signature: str, input_name: str, outputs: Sequence[str]
    ) -> dict[str, Array]:
        """Output name -> float32 array, first axis the rows.

        Args:
            rows: serialized tf.Examples.
            signature: the signature to ask.
            input_name: the signature's one input.
            outputs: the signature's outputs; a server leaves the name out where there is one.

        Raises:
            RequestRejected: the server says no, or its answer is no list of predictions.
            EnvironmentFault: the server is away or did not answer in time.
        """
        instances = [{input_name: {"b64": base64.b64encode(row).decode()}} for row in rows]
        body = json.dumps({"signature_name": signature, "instances": instances}).encode()
        status, text = self._post(body)
        if status in _FAULT_CODES:
            raise EnvironmentFault(
                f"server {self._target} must answer REST requests; got {status}: {text[:500]}"
            )
        if status != http.client.OK:
            raise RequestRejected(f"HTTP {status}", text[:500], self._target)
        try:
            return _columns(json.loads(text)["predictions"], outputs)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise RequestRejected(
                f"HTTP {status}", f"no list of predictions: {text[:500]}", self._target
            ) from error

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def __enter__(self) -> "RestClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _post(self, body: bytes) -> tuple[int, str]:
        try:
            headers = {"Content-Type": "application/json"}
            self._connection.request("POST", self._path, body, headers)
            with self._connection.getresponse() as response:
                return response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise EnvironmentFault(
                f"server {self._target} must answer REST requests within {self._timeout_s} s; "
                f"got {type(error).__name__}: {error}"
            ) from error


def _columns(predictions: Sequence[object], outputs: Sequence[str]) -> dict[str, Array]:
    rows = [row if isinstance(row, dict) else {outputs[0]: row} for row in predictions]
    return {
        name: np.array([row[name] for row in rows], dtype=np.float32) for name in sorted(rows[0])
    }
