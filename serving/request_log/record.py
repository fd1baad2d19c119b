"""What one record holds: a PredictionLog, and where the fields go that it has no room for.

=================  ==============================================================================
field              place
=================  ==============================================================================
request            `predict_log.request`, as the client sent it
scores             `predict_log.response.outputs`, as the client got them
model, version     `log_metadata.model_spec`: name, version and signature as they were resolved
sampling rate      `log_metadata.sampling_config.sampling_rate`
time               `log_metadata.timestamp_secs`; in microseconds under `rankbeam/timestamp_us`
request id         `rankbeam/request_id`
transform hash     `rankbeam/transform_hash`
=================  ==============================================================================

LogMetadata has no field for the last ones. They are scalar tensors under reserved keys in the
*response's* outputs: every reader of PredictionLogs parses them, and the request stays what it was,
so that logged records can be replayed, for example as warm-up. A slash cannot be part of an output
name that Rankbeam exports.

Classify, Regress and MultiInference are logged as `classify_log`, `regress_log` and
`multi_inference_log`. Their answers have no outputs to add to: there, the reserved keys are entries
`rankbeam/KEY=VALUE` of `log_metadata.saved_model_tags`, beside `serve`. The `model_spec` of a
MultiInference record is its first task's.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import tensorflow as tf
from google.protobuf.message import DecodeError, Message
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from rankbeam.transform.errors import DataError

RESERVED = "rankbeam/"
REQUEST_ID = f"{RESERVED}request_id"
TRANSFORM_HASH = f"{RESERVED}transform_hash"
TIMESTAMP_US = f"{RESERVED}timestamp_us"

Method = Literal["Classify", "Regress", "MultiInference"]

_DEFAULT_SIGNATURE = "serving_default"
_PREDICT = "predict_log"
# A request's message -> the field of PredictionLog that holds it; the other way round for methods.
_KINDS = {
    "PredictRequest": _PREDICT,
    "ClassificationRequest": "classify_log",
    "RegressionRequest": "regress_log",
    "MultiInferenceRequest": "multi_inference_log",
}
_METHODS: dict[str, Method] = {
    "classify_log": "Classify",
    "regress_log": "Regress",
    "multi_inference_log": "MultiInference",
}
_SCALAR = tensor_shape_pb2.TensorShapeProto()
_STRING, _INT64 = tf.string.as_datatype_enum, tf.int64.as_datatype_enum


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered request, held by reference until there is time to serialise it.

    Attributes:
        request: what the client sent: Predict's, Classify's, Regress's or MultiInference's.
        response: what it got, with the resolved model name, version and signature.
        request_id: the request's id.
        transform_hash: hash of the transform inside the model, or "" where it is unknown.
        timestamp_us: when it was answered, in microseconds since 1970.
        size: bytes of request and response.
    """

    request: Message
    response: Message
    request_id: str
    transform_hash: str
    timestamp_us: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A record of Predict, read back.

    Attributes:
        request: what the client sent.
        scores: output name to its tensor, without the reserved keys.
        model_name: the model that answered.
        model_version: its version.
        signature_name: the signature that was asked; never empty.
        sampling_rate: the fraction of requests that were logged, 0 to 1.
        request_id: the request's id; None in records of other servers.
        transform_hash: hash of the transform inside the model; "" where the server did not know
            it, None in records of other servers.
        timestamp_us: when it was answered, in microseconds since 1970; None where unknown.
    """

    request: predict_pb2.PredictRequest
    scores: Mapping[str, tensor_pb2.TensorProto]
    model_name: str
    model_version: int
    signature_name: str
    sampling_rate: float
    request_id: str | None
    transform_hash: str | None
    timestamp_us: int | None


@dataclass(frozen=True, slots=True)
class LoggedInference:
    """A record of Classify, Regress or MultiInference, read back.

    Attributes:
        method: which of them.
        request: what the client sent.
        response: what it got.
        model_name: the model that answered.
        model_version: its version.
        signature_names: the signatures that answered, one for each task.
        sampling_rate: the fraction of requests that were logged, 0 to 1.
        request_id: the request's id; None in records of other servers.
        transform_hash: hash of the transform inside the model; "" where the server did not know
            it, None in records of other servers.
        timestamp_us: when it was answered, in microseconds since 1970; None where unknown.
    """

    method: Method
    request: Message
    response: Message
    model_name: str
    model_version: int
    signature_names: tuple[str, ...]
    sampling_rate: float
    request_id: str | None
    transform_hash: str | None
    timestamp_us: int | None


Logged: TypeAlias = LoggedRequest | LoggedInference


def serialise(answered: Answered, sampling_rate: float) -> bytes:
    """The record's bytes; neither request nor response is changed."""
    log = prediction_log_pb2.PredictionLog()
    kind = _KINDS[answered.request.DESCRIPTOR.name]
    metadata = log.log_metadata
    metadata.model_spec.CopyFrom(_model_specs(answered.response)[0])
    metadata.sampling_config.sampling_rate = sampling_rate
    metadata.saved_model_tags.append(tf.saved_model.SERVING)
    metadata.timestamp_secs = answered.timestamp_us // 1_000_000
    part = getattr(log, kind)
    part.request.CopyFrom(answered.request)
    part.response.CopyFrom(answered.response)
    if kind == _PREDICT:
        outputs = part.response.outputs
        _set_text(outputs[REQUEST_ID], answered.request_id)
        _set_text(outputs[TRANSFORM_HASH], answered.transform_hash)
        stamp = outputs[TIMESTAMP_US]
        stamp.dtype = _INT64
        stamp.tensor_shape.CopyFrom(_SCALAR)
        stamp.int64_val.append(answered.timestamp_us)
    else:
        metadata.saved_model_tags.extend(_tags(answered))
    record: bytes = log.SerializeToString()
    return record


def parse(record: bytes) -> Logged:
    """The inverse of `serialise`; records of TensorFlow Serving itself are read as well.

    Raises:
        DataError: The bytes are no PredictionLog of a call that the server logs.
    """
    log = prediction_log_pb2.PredictionLog()
    try:
        log.ParseFromString(record)
    except DecodeError as error:
        raise DataError(f"a record must be a PredictionLog; {error}") from error
    kind = log.WhichOneof("log_type")
    if kind == _PREDICT:
        return _logged_request(log)
    if kind in _METHODS:
        return _logged_inference(log, kind)
    raise DataError(
        "a record must be the log of a Predict, Classify, Regress or MultiInference call; "
        f"got {kind}"
    )


def _logged_request(log: prediction_log_pb2.PredictionLog) -> LoggedRequest:
    metadata, outputs = log.log_metadata, log.predict_log.response.outputs
    request = log.predict_log.request
    spec = metadata.model_spec
    seconds = metadata.timestamp_secs
    return LoggedRequest(
        request=request,
        scores={name: outputs[name] for name in outputs if not name.startswith(RESERVED)},
        model_name=spec.name,
        model_version=spec.version.value,
        signature_name=spec.signature_name
        or request.model_spec.signature_name
        or _DEFAULT_SIGNATURE,
        sampling_rate=metadata.sampling_config.sampling_rate,
        request_id=_text(outputs, REQUEST_ID),
        transform_hash=_text(outputs, TRANSFORM_HASH),
        timestamp_us=(
            outputs[TIMESTAMP_US].int64_val[0]
            if TIMESTAMP_US in outputs
            else seconds * 1_000_000 or None
        ),
    )


def _logged_inference(log: prediction_log_pb2.PredictionLog, kind: str) -> LoggedInference:
    metadata, part = log.log_metadata, getattr(log, kind)
    tags = {key: value for key, _, value in (t.partition("=") for t in metadata.saved_model_tags)}
    stamp = tags.get(TIMESTAMP_US)
    if stamp is not None and not stamp.isdecimal():
        raise DataError(f"{TIMESTAMP_US} of a record must be a number; got {stamp!r}")
    specs = _model_specs(part.response)
    return LoggedInference(
        method=_METHODS[kind],
        request=part.request,
        response=part.response,
        model_name=metadata.model_spec.name,
        model_version=metadata.model_spec.version.value,
        signature_names=tuple(spec.signature_name or _DEFAULT_SIGNATURE for spec in specs),
        sampling_rate=metadata.sampling_config.sampling_rate,
        request_id=tags.get(REQUEST_ID),
        transform_hash=tags.get(TRANSFORM_HASH),
        timestamp_us=metadata.timestamp_secs * 1_000_000 or None if stamp is None else int(stamp),
    )


def _model_specs(response: Any) -> list[model_pb2.ModelSpec]:
    """The version that answered, once for each task."""
    if response.DESCRIPTOR.name == "MultiInferenceResponse":
        return [result.model_spec for result in response.results]
    return [response.model_spec]


def _tags(answered: Answered) -> Iterable[str]:
    for key, value in (
        (REQUEST_ID, _plain(answered.request_id).decode()),
        (TRANSFORM_HASH, answered.transform_hash),
        (TIMESTAMP_US, answered.timestamp_us),
    ):
        yield f"{key}={value}"


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def _set_text(tensor: tensor_pb2.TensorProto, text: str) -> None:
    tensor.dtype = _STRING
    tensor.tensor_shape.CopyFrom(_SCALAR)
    tensor.string_val.append(_plain(text))


def _plain(text: str) -> bytes:
    # An id comes from a client's header: half a surrogate pair must not cost the record.
    return text.encode("utf-8", "backslashreplace")


def _text(outputs: Mapping[str, Any], key: str) -> str | None:
    return outputs[key].string_val[0].decode("utf-8") if key in outputs else None
