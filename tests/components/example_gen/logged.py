"""Request logs for tests, written by the server's own writer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.settings.logging import LoggingSettings

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request and its answer.

    Attributes:
        request_id: The request's id.
        inputs: Input name to a tensor's values; strings as object arrays.
        scores: Output name to the values of its candidates.
        signature: Name of the signature.
        version: The model's version.
        model: The model's name.
    """

    request_id: str
    inputs: Values
    scores: Values
    signature: str = "serving_default"
    version: int = 3
    model: str = "ranker"


@dataclass(frozen=True)
class _Asker:
    request_id: str


def example(**features: Sequence[Any]) -> bytes:
    """A serialized tf.Example of lists of int, float or bytes."""
    row = tf.train.Example()
    for name, values in features.items():
        feature = row.features.feature[name]
        if all(isinstance(value, bytes) for value in values):
            feature.bytes_list.value.extend(values)
        elif all(isinstance(value, int) for value in values):
            feature.int64_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    serialized: bytes = row.SerializeToString()
    return serialized


def ranked(request_id: str, examples: Sequence[bytes], **scores: Sequence[float]) -> Asked:
    """A request to `serving_default`."""
    return Asked(request_id, {"examples": np.array(examples, dtype=object)}, scores)


def write_log(folder: Path, asked: Sequence[Asked], **settings: Any) -> None:
    """Logs requests as a server would."""
    logs: dict[str, RequestLog] = {}
    for one in asked:
        if one.model not in logs:
            given = LoggingSettings(folder, max_queued=len(asked) + 1, **settings)
            logs[one.model] = RequestLog(one.model, given, Metrics())
        logs[one.model].offer(
            request=_request(one),
            response=_response(one),
            call=_Asker(one.request_id),
            transform_hash="cd" * 32,
        )
    for log in logs.values():
        log.close()


def _request(one: Asked) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = one.model
    if one.signature != "serving_default":
        request.model_spec.signature_name = one.signature
    for name, values in one.inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request


def _response(one: Asked) -> predict_pb2.PredictResponse:
    response = predict_pb2.PredictResponse()
    spec = response.model_spec
    spec.name, spec.version.value, spec.signature_name = one.model, one.version, one.signature
    for name, values in one.scores.items():
        column = np.asarray(values, np.float32).reshape(-1, 1)
        response.outputs[name].CopyFrom(tf.make_tensor_proto(column))
    return response
