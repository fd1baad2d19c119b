"""Warm-up requests: real requests stored in a version, run before the version is AVAILABLE.

The first call of a graph pays for optimisation and memory; warm-up pays it before any user waits.
Format and place are TensorFlow Serving's: TFRecords of `PredictionLog` in
`assets.extra/tf_serving_warmup_requests`, at most 1,000.
"""

from collections.abc import Iterable
from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from rankbeam.serving import status
from rankbeam.serving.engine import inference
from rankbeam.serving.request_log.frames import TornFrame, read_frames
from rankbeam.serving.servable import Servable

WARMUP_PATH = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_WARMUP_RECORDS = 1000


def write_warmup(version_path: Path, requests: Iterable[predict_pb2.PredictRequest]) -> None:
    """Writes the requests into a version folder; the same requests make the same bytes.

    Raises:
        ValueError: more than 1,000 requests, which no server would load.
        OSError, tf.errors.OpError: the file cannot be written.
    """
    rows = list(requests)
    if len(rows) > MAX_WARMUP_RECORDS:
        raise ValueError(
            f"warm-up must have at most {MAX_WARMUP_RECORDS} requests; got {len(rows)}"
        )
    path = version_path / WARMUP_PATH
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in rows:
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString(deterministic=True))


def run_warmup(servable: Servable) -> int:
    """Runs a version's stored requests on it, one after another; returns how many there were.

    Raises:
        status.Refusal: the file is damaged or too long, holds something else than Predict, or a
            request fails.
    """
    path = servable.path / WARMUP_PATH
    if not path.is_file():
        return 0
    count = 0
    try:
        # Not by tf.data, whose threads and graphs cost more than a request.
        with path.open("rb") as file:
            for _, record in read_frames(file):
                count += 1
                if count > MAX_WARMUP_RECORDS:
                    raise status.invalid_argument(
                        f"Number of warmup records exceeds the maximum ({MAX_WARMUP_RECORDS}) at "
                        f"{path}"
                    )
                _run_one(servable, record, path)
    except TornFrame as error:
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, f"{path}: {error}") from error
    except OSError as error:
        raise status.as_refusal(error) from error
    return count


def _run_one(servable: Servable, record: bytes, path: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    try:
        log.ParseFromString(record)
    except DecodeError as error:
        raise status.invalid_argument(f"Failed to parse warmup record from {path}") from error
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        _predict(servable, log.predict_log.request)
    elif kind == "classify_log":
        _infer(servable, log.classify_log.request, inference.CLASSIFY)
    elif kind == "regress_log":
        _infer(servable, log.regress_log.request, inference.REGRESS)
    elif kind == "multi_inference_log":
        _multi_inference(servable, log.multi_inference_log.request)
    else:
        raise status.Refusal(
            grpc.StatusCode.UNIMPLEMENTED, f"Unsupported log_type for warmup: {kind} in {path}"
        )


def _predict(servable: Servable, request: predict_pb2.PredictRequest) -> None:
    signature = servable.signature(request.model_spec.signature_name)
    signature.run(request.inputs, request.output_filter)


def _infer(
    servable: Servable,
    request: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest,
    method: str,
) -> None:
    name = request.model_spec.signature_name
    signature = inference.qualified(servable, name, method, check_method=False)
    signature.call(inference.feeds(signature, request.input))


def _multi_inference(servable: Servable, request: inference_pb2.MultiInferenceRequest) -> None:
    parts = inference.plan(servable, request.tasks, check_method=False)
    merged = servable.merged(tuple(part.name for part in parts))
    merged.call(inference.feeds(merged, request.input))
