"""Warm-up requests: the file that TensorFlow Serving reads, and running it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from rankbeam.serving import tensors, warmup
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.status import Refusal
from tests.serving import tiny_models
from tests.serving.tiny_models import predict_request

_REGRESS, _CLASSIFY = tf.saved_model.REGRESS_METHOD_NAME, tf.saved_model.CLASSIFY_METHOD_NAME


@pytest.fixture
def servable(base_path: Path) -> Servable:
    return load_servable("tiny", 1, base_path / "1")


def _parsed(servable: Servable) -> int:
    count = servable.signature("parsed_examples").run({})["count"]
    return int(tensors.decode_array(count))


def _write_raw(servable: Servable, *records: bytes) -> None:
    path = servable.path / warmup.WARMUP_PATH
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def test_warmup_runs_every_stored_request(servable: Servable) -> None:
    rows = tiny_models.examples()
    warmup.write_warmup(
        servable.path, [predict_request(rows), predict_request(rows[:1], "serving_default")]
    )
    assert _parsed(servable) == 0
    assert warmup.run_warmup(servable) == 2
    assert _parsed(servable) == len(rows) + 1


def test_warmup_absent_is_no_runs(servable: Servable) -> None:
    assert warmup.run_warmup(servable) == 0


def test_warmup_file_is_prediction_logs_in_the_documented_place(tmp_path: Path) -> None:
    request = predict_request(tiny_models.examples())
    warmup.write_warmup(tmp_path, [request])
    path = tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    (record,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    log = prediction_log_pb2.PredictionLog.FromString(record)
    assert log.predict_log.request == request


def test_warmup_same_requests_are_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for order in (["a", "b"], ["b", "a"]):
        inputs = {name: tensors.encode(np.ones([2], np.float32)) for name in order}
        warmup.write_warmup(tmp_path, [predict_pb2.PredictRequest(inputs=inputs)])
        written.append((tmp_path / warmup.WARMUP_PATH).read_bytes())
    assert written[0] == written[1]


def test_warmup_of_a_failing_request_is_refused(servable: Servable) -> None:
    warmup.write_warmup(servable.path, [predict_request([b"\xff"])])
    with pytest.raises(Refusal, match=r"^INVALID_ARGUMENT: .*parse example"):
        warmup.run_warmup(servable)


def test_warmup_of_an_unknown_signature_is_refused(servable: Servable) -> None:
    warmup.write_warmup(servable.path, [predict_request([b""], "other")])
    with pytest.raises(Refusal, match='signature key "other" not found'):
        warmup.run_warmup(servable)


def _examples() -> input_pb2.Input:
    given = input_pb2.Input()
    for record in tiny_models.examples():
        given.example_list.examples.add().MergeFromString(record)
    return given


def _spec(signature: str) -> model_pb2.ModelSpec:
    return model_pb2.ModelSpec(name="tiny", signature_name=signature)


def _inference_logs(regress: str, classify: str) -> dict[str, prediction_log_pb2.PredictionLog]:
    """One log of each kind that takes tf.Examples."""
    log = prediction_log_pb2
    tasks = [
        inference_pb2.InferenceTask(model_spec=_spec(regress), method_name=_REGRESS),
        inference_pb2.InferenceTask(model_spec=_spec(classify), method_name=_CLASSIFY),
    ]
    regression = regression_pb2.RegressionRequest(model_spec=_spec(regress), input=_examples())
    classification = classification_pb2.ClassificationRequest(
        model_spec=_spec(classify), input=_examples()
    )
    multi = inference_pb2.MultiInferenceRequest(tasks=tasks, input=_examples())
    return {
        "regress": log.PredictionLog(regress_log=log.RegressLog(request=regression)),
        "classify": log.PredictionLog(classify_log=log.ClassifyLog(request=classification)),
        "multi": log.PredictionLog(multi_inference_log=log.MultiInferenceLog(request=multi)),
    }


@pytest.mark.parametrize(("kind", "graphs"), [("regress", 1), ("classify", 1), ("multi", 2)])
def test_warmup_runs_logs_of_every_inference_api(
    servable: Servable, kind: str, graphs: int
) -> None:
    log = _inference_logs("regress_click", "classify_click")[kind]
    _write_raw(servable, log.SerializeToString())
    assert warmup.run_warmup(servable) == 1
    # Each of the two signatures has a parser of its own.
    assert _parsed(servable) == graphs * len(tiny_models.examples())


@pytest.mark.parametrize("kind", ["regress", "classify", "multi"])
def test_warmup_with_a_signature_that_does_not_qualify_is_refused(
    servable: Servable, kind: str
) -> None:
    log = _inference_logs("serving_default", "serving_default")[kind]
    _write_raw(servable, log.SerializeToString())
    with pytest.raises(Refusal, match=r"^(INVALID_ARGUMENT|FAILED_PRECONDITION): "):
        warmup.run_warmup(servable)


def test_warmup_of_another_log_type_is_refused(servable: Servable) -> None:
    log = prediction_log_pb2.PredictionLog(session_run_log=prediction_log_pb2.SessionRunLog())
    _write_raw(servable, log.SerializeToString())
    with pytest.raises(Refusal, match=r"^UNIMPLEMENTED: .*session_run_log"):
        warmup.run_warmup(servable)


def test_warmup_that_is_no_prediction_log_is_refused(servable: Servable) -> None:
    _write_raw(servable, b"\xff\xff")
    with pytest.raises(Refusal, match="Failed to parse warmup record"):
        warmup.run_warmup(servable)


def test_warmup_file_that_is_no_tfrecord_is_refused(servable: Servable) -> None:
    (servable.path / warmup.WARMUP_PATH).parent.mkdir(exist_ok=True)
    (servable.path / warmup.WARMUP_PATH).write_bytes(b"no TFRecord at all")
    with pytest.raises(Refusal, match=r"^DATA_LOSS: "):
        warmup.run_warmup(servable)


def test_warmup_limit_is_tensorflow_servings(servable: Servable) -> None:
    request = predict_request([b""])
    with pytest.raises(ValueError, match="at most 1000 requests; got 1001"):
        warmup.write_warmup(servable.path, [request] * 1001)
    log = prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )
    _write_raw(servable, *[log.SerializeToString()] * 1001)
    with pytest.raises(Refusal, match=r"exceeds the maximum \(1000\)"):
        warmup.run_warmup(servable)
