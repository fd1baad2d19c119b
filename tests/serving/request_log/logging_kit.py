"""Requests, answers and counters for the request log's tests."""

import threading
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.settings.logging import LoggingSettings


@dataclass(frozen=True)
class Asker:
    """Who asks, as the front makes it."""

    request_id: str


class Counter:
    """Counts as `Metrics` does."""

    def __init__(self) -> None:
        self.written = 0
        self.dropped = 0
        self.archived = 0
        self.failures = 0
        self.unarchived: int | None = None
        self._lock = threading.Lock()

    def count_log_written(self, model: str, count: int = 1) -> None:
        """Counts records in finished files."""
        with self._lock:
            self.written += count

    def count_log_dropped(self, model: str, count: int = 1) -> None:
        """Counts records that were lost."""
        with self._lock:
            self.dropped += count

    def count_log_archived(self, model: str) -> None:
        """Counts a finished file that has arrived."""
        self.archived += 1

    def count_log_archive_failure(self, model: str) -> None:
        """Counts a try to move one that failed."""
        self.failures += 1

    def set_log_unarchived(self, model: str, files: int) -> None:
        """Says how many are still in the folder."""
        self.unarchived = files


def request_of(examples: list[bytes], signature: str = "") -> predict_pb2.PredictRequest:
    """A request for serialized tf.Examples."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "ranker"
    request.model_spec.signature_name = signature
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(examples, tf.string))
    return request


def response_of(
    scores: dict[str, list[float]], version: int = 7, signature: str = "serving_default"
) -> predict_pb2.PredictResponse:
    """An answer with one float column [candidates, 1] per score."""
    response = predict_pb2.PredictResponse()
    response.model_spec.name = "ranker"
    response.model_spec.version.value = version
    response.model_spec.signature_name = signature
    for name, values in scores.items():
        column = [[value] for value in values]
        response.outputs[name].CopyFrom(
            tf.make_tensor_proto(column, tf.float32, shape=[len(values), 1])
        )
    return response


def records_of(folder: Path) -> list[prediction_log_pb2.PredictionLog]:
    """Every record of every finished file, read by TensorFlow's own reader, which checks CRCs."""
    files = sorted(str(path) for path in folder.glob("*/*.tfrecord"))
    if not files:
        return []
    return [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(files).as_numpy_iterator()
    ]


def id_of(log: prediction_log_pb2.PredictionLog) -> str:
    """The request id of a record, by the key that the docs name."""
    tensor = log.predict_log.response.outputs["rankbeam/request_id"]
    text: str = tf.make_ndarray(tensor).item().decode()
    return text


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path in there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def partials_of(folder: Path) -> list[Path]:
    """The files that are being written."""
    return sorted(folder.glob(".*.partial"))


@dataclass(frozen=True)
class Model:
    """What the logs need of a model's settings."""

    name: str
    logging: LoggingSettings | None


def offer(log: RequestLog, request_id: str, examples: tuple[bytes, ...] = (b"x",)) -> None:
    """Offers an answered request for some examples."""
    log.offer(
        request=request_of(list(examples)),
        response=response_of({"click": [0.5] * len(examples)}),
        call=Asker(request_id),
        transform_hash="ab" * 32,
    )
