"""A record: what TensorFlow Serving's protos make of it, and what comes back."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from rankbeam.serving.request_log.frames import frame
from rankbeam.serving.request_log.reader import finished_files, read_requests
from rankbeam.serving.request_log.record import (
    Answered,
    LoggedInference,
    LoggedRequest,
    parse,
    serialise,
)
from rankbeam.serving.tensors import Array
from rankbeam.transform.errors import DataError
from tests.serving.request_log.inferences import INFERENCES, VERSION
from tests.serving.request_log.logging_kit import request_of, response_of

_TIME_US = 1_738_367_999_123_456


def _answered(request_id: str = "r-1", examples: tuple[bytes, ...] = (b"a", b"")) -> Answered:
    return Answered(
        request_of(list(examples)),
        response_of({"click": [0.0] * len(examples)}),
        request_id,
        "ab" * 32,
        _TIME_US,
    )


def _parsed(record: bytes) -> LoggedRequest:
    found = parse(record)
    assert isinstance(found, LoggedRequest)
    return found


def test_record_is_what_the_documentation_says() -> None:
    log = prediction_log_pb2.PredictionLog.FromString(serialise(_answered(), 0.25))
    metadata = log.log_metadata
    assert (metadata.model_spec.name, metadata.model_spec.version.value) == ("ranker", 7)
    assert metadata.sampling_config.sampling_rate == 0.25
    assert metadata.timestamp_secs == 1_738_367_999
    assert list(metadata.saved_model_tags) == ["serve"]
    assert log.predict_log.request == request_of([b"a", b""])
    outputs = {
        name: tf.make_ndarray(tensor) for name, tensor in log.predict_log.response.outputs.items()
    }
    assert outputs["click"].tolist() == [[0.0], [0.0]]
    assert outputs["rankbeam/request_id"].item() == b"r-1"
    assert outputs["rankbeam/transform_hash"].item() == b"ab" * 32
    assert outputs["rankbeam/timestamp_us"].item() == _TIME_US
    assert len(outputs) == 4


def test_record_leaves_request_and_response_alone() -> None:
    answered = _answered()
    serialise(answered, 1.0)
    assert answered.request == request_of([b"a", b""])
    assert answered.response == response_of({"click": [0.0, 0.0]})


@pytest.mark.parametrize("request_id", ["", "日本-é", "a/b c", "x" * 10_000])
def test_record_comes_back(request_id: str) -> None:
    found = _parsed(serialise(_answered(request_id), 0.5))
    assert found.request == request_of([b"a", b""])
    assert (found.model_name, found.model_version) == ("ranker", 7)
    assert (found.signature_name, found.sampling_rate) == ("serving_default", 0.5)
    assert (found.request_id, found.transform_hash) == (request_id, "ab" * 32)
    assert found.timestamp_us == _TIME_US
    assert set(found.scores) == {"click"}


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0.0], [-0.0], [math.inf]], np.float32),
        np.array([[1e-320]], np.float64),
        np.array([[0, 2**63 - 1, -(2**63)]], np.int64),
        np.array([True, False]),
        np.array([[b"", b"\0x\0", "日本".encode()]], object),
        np.zeros((0, 3), np.float32),
    ],
)
def test_record_keeps_every_tensor(values: Array) -> None:
    answered = _answered()
    request: Any = answered.request
    response: Any = answered.response
    request.inputs["odd"].CopyFrom(tf.make_tensor_proto(values))
    response.outputs["odd"].CopyFrom(tf.make_tensor_proto(values))
    found = _parsed(serialise(answered, 1.0))
    for tensor in (found.request.inputs["odd"], found.scores["odd"]):
        back = tf.make_ndarray(tensor)
        assert (back.dtype, back.shape) == (values.dtype, values.shape)
        assert back.tolist() == values.tolist()


def test_record_of_half_a_surrogate_pair_is_kept_readable() -> None:
    assert parse(serialise(_answered("a\ud800"), 1.0)).request_id == "a\\ud800"


def test_record_of_another_server_is_read() -> None:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(request_of([b"a"], "raw_tensors"))
    log.predict_log.response.outputs["click"].CopyFrom(tf.make_tensor_proto([0.5]))
    found = _parsed(log.SerializeToString())
    assert (found.request_id, found.transform_hash, found.timestamp_us) == (None, None, None)
    assert found.signature_name == "raw_tensors"
    log.log_metadata.timestamp_secs = 3
    assert parse(log.SerializeToString()).timestamp_us == 3_000_000


_METHODS = ("Classify", "Regress", "MultiInference")
_FIELDS = ("classify_log", "regress_log", "multi_inference_log")
_SIGNATURES = (("classify_click",), ("regress_click",), ("regress_click", "classify_click"))


@pytest.mark.parametrize("at", range(3), ids=_METHODS)
def test_record_of_an_inference_is_what_the_documentation_says(at: int) -> None:
    request, response = INFERENCES[at]
    answered = Answered(request, response, "r=1", "ab" * 32, _TIME_US)
    log = prediction_log_pb2.PredictionLog.FromString(serialise(answered, 0.25))
    part = getattr(log, _FIELDS[at])
    assert (part.request, part.response) == (request, response)
    metadata = log.log_metadata
    assert (metadata.model_spec.name, metadata.model_spec.version.value) == ("ranker", VERSION)
    assert metadata.model_spec.signature_name == _SIGNATURES[at][0]
    assert metadata.sampling_config.sampling_rate == 0.25
    assert metadata.timestamp_secs == 1_738_367_999
    assert list(metadata.saved_model_tags) == [
        "serve",
        "rankbeam/request_id=r=1",
        f"rankbeam/transform_hash={'ab' * 32}",
        f"rankbeam/timestamp_us={_TIME_US}",
    ]


@pytest.mark.parametrize("at", range(3), ids=_METHODS)
@pytest.mark.parametrize("request_id", ["", "日本-é", "a/b c=d"])
def test_record_of_an_inference_comes_back(at: int, request_id: str) -> None:
    request, response = INFERENCES[at]
    answered = Answered(request, response, request_id, "", _TIME_US)
    assert parse(serialise(answered, 0.5)) == LoggedInference(
        method=_METHODS[at],  # type: ignore[arg-type]
        request=request,
        response=response,
        model_name="ranker",
        model_version=VERSION,
        signature_names=_SIGNATURES[at],
        sampling_rate=0.5,
        request_id=request_id,
        transform_hash="",
        timestamp_us=_TIME_US,
    )


def test_record_of_an_inference_of_another_server_is_read() -> None:
    log = prediction_log_pb2.PredictionLog()
    log.regress_log.request.model_spec.name = "m"
    log.log_metadata.model_spec.name = "m"
    log.log_metadata.saved_model_tags.append("serve")
    log.log_metadata.timestamp_secs = 3
    found = parse(log.SerializeToString())
    assert isinstance(found, LoggedInference)
    assert (found.method, found.model_name) == ("Regress", "m")
    assert found.signature_names == ("serving_default",)
    assert (found.request_id, found.transform_hash) == (None, None)
    assert found.timestamp_us == 3_000_000


def test_record_of_another_call_is_refused() -> None:
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.request.model_spec.name = "m"
    with pytest.raises(DataError, match=r"must be the log of a Predict, .*; got session_run_log"):
        parse(log.SerializeToString())
    with pytest.raises(DataError, match="must be a PredictionLog"):
        parse(b"\xff\xff")


def test_reader_reads_spans_in_order_and_names_what_is_damaged(tmp_path: Path) -> None:
    for span, name in (("20250201", "c"), ("20250131", "a")):
        (tmp_path / span).mkdir()
        content = frame(serialise(_answered(name), 1.0)) * 2
        (tmp_path / span / "f.tfrecord").write_bytes(content)
    (tmp_path / ".g.tfrecord.partial").write_bytes(b"half")
    files = finished_files(tmp_path)
    assert [row.request_id for row in read_requests(files)] == ["a", "a", "c", "c"]
    content = files[1].read_bytes()
    files[1].write_bytes(content[:-1])
    with pytest.raises(DataError, match=r"20250201/f.tfrecord .* after 1 records, .* cut off"):
        list(read_requests(files))
    files[1].write_bytes(frame(b"\xff"))
    with pytest.raises(DataError, match=r"20250201/f.tfrecord record 1: .* a PredictionLog"):
        list(read_requests(files))
    with pytest.raises(DataError, match=r"gone must be readable; No such file"):
        list(read_requests([tmp_path / "gone"]))


def test_record_with_a_time_that_is_none_is_refused() -> None:
    request, response = INFERENCES[0]
    log = prediction_log_pb2.PredictionLog.FromString(
        serialise(Answered(request, response, "r", "", _TIME_US), 1.0)
    )
    log.log_metadata.saved_model_tags[-1] = "rankbeam/timestamp_us=soon"
    with pytest.raises(DataError, match=r"^rankbeam/timestamp_us .* a number; got 'soon'$"):
        parse(log.SerializeToString())
