"""Serves what was just pushed and asks it one real request, as a client would."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from rankbeam.components.remote.files import download_folder, is_remote
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runs.record import RunRecord
from rankbeam.serving.client import feature_types
from rankbeam.serving.predict import PredictOptions, predict
from rankbeam.serving.process import ProcessOptions, ServerProcess
from rankbeam.serving.warmup import WARMUP_PATH
from rankbeam.transform.errors import EnvironmentFault


def query_pushed_model(record: RunRecord, view: ProgressView) -> None:
    """Start a server on the pushed folder, send one impression of the eval split, show the answer.

    Raises:
        EnvironmentFault: The server cannot be started, or the version has no warm-up request to
            take the impression from.
    """
    with tempfile.TemporaryDirectory(prefix="rankbeam-query-") as folder:
        base_path = Path(record.destination)
        if is_remote(record.destination):
            base_path = Path(folder)
            version = str(record.version)
            try:
                download_folder(f"{record.destination}/{version}", base_path / version)
            except OSError as error:
                raise EnvironmentFault(
                    f"push.destination must be readable; got {record.destination}: {error}"
                ) from error
        _query(record, base_path, view)


def _query(record: RunRecord, base_path: Path, view: ProgressView) -> None:
    impression = _first_impression(base_path / str(record.version) / WARMUP_PATH)
    view.started("query")
    options = ProcessOptions(model_name=record.model_name, base_path=base_path)
    try:
        with ServerProcess(options) as server:
            with server.client() as client:
                features = feature_types(client.metadata())
            # The log's impression also holds its outcomes, which no client would know.
            request = {name: value for name, value in impression.items() if name in features}
            begin = time.monotonic()
            [answer] = predict(
                PredictOptions(
                    request=json.dumps(request),
                    model_name=record.model_name,
                    target=server.target,
                )
            )
            milliseconds = 1000 * (time.monotonic() - begin)
    finally:
        view.close()
    view.say("")
    view.say(f"asked {server.kind} server over gRPC ({milliseconds:.0f} ms with connecting):")
    view.say(f"  {json.dumps(request)}")
    scores = ", ".join(f"{name} {score:.4f}" for name, score in answer["scores"].items())
    view.say(f"  -> version {answer['model_version']}: {scores}")


def _first_impression(warmup: Path) -> dict[str, Any]:
    """The first example of the version's warm-up requests, as the JSON that a client would send."""
    if not warmup.is_file():
        raise EnvironmentFault(f"a pushed version must have warm-up requests; got none at {warmup}")
    record = next(tf.data.TFRecordDataset(str(warmup)).as_numpy_iterator())
    log = prediction_log_pb2.PredictionLog.FromString(record)
    [inputs] = log.predict_log.request.inputs.values()
    example = tf.train.Example.FromString(tf.make_ndarray(inputs).reshape(-1)[0])
    return {
        name: _plain(feature)
        for name, feature in sorted(example.features.feature.items())
        if feature.WhichOneof("kind") is not None
    }


def _plain(feature: tf.train.Feature) -> Any:
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value)
    if kind == "bytes_list":
        values = [value.decode("utf-8", "replace") for value in values]
    if kind == "float_list":
        values = [float(f"{value:.7g}") for value in values]
    if not values:
        return None
    return values[0] if len(values) == 1 else values
