"""Classify, Regress and MultiInference as a real server logs them."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from rankbeam.serving.exported import EXPORTED_PATH
from rankbeam.serving.request_log.reader import finished_files, read_records
from rankbeam.serving.request_log.record import LoggedInference, LoggedRequest
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.logging import LoggingSettings
from rankbeam.serving.settings.model import ModelSettings
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_available

HASH = "cd" * 32


@pytest.fixture
def served(tmp_path: Path, saved_model: Path) -> Iterator[ModelServer]:
    """A server of version 4 that logs everything below `tmp_path/log`."""
    version = tmp_path / "base" / "4"
    shutil.copytree(saved_model, version)
    (version / EXPORTED_PATH).parent.mkdir(parents=True, exist_ok=True)
    (version / EXPORTED_PATH).write_text(json.dumps({"transform_digest": HASH}))
    model = ModelSettings(NAME, tmp_path / "base", logging=LoggingSettings(tmp_path / "log"))
    with ModelServer(ServerOptions((model,), port=0, rest_port=0)) as running:
        wait_available(f"127.0.0.1:{running.port}", version=4)
        yield running


def _input() -> input_pb2.Input:
    examples = [tf.train.Example.FromString(row) for row in tiny_models.examples()]
    return input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples))


def _asked(request: Any, signature: str) -> Any:
    request.model_spec.name, request.model_spec.signature_name = NAME, signature
    request.input.CopyFrom(_input())
    return request


def _multi() -> inference_pb2.MultiInferenceRequest:
    request = inference_pb2.MultiInferenceRequest(input=_input())
    for signature in ("regress_ctcvr", "classify_click"):
        kind = signature.partition("_")[0]
        task = request.tasks.add(method_name=f"tensorflow/serving/{kind}")
        task.model_spec.name, task.model_spec.signature_name = NAME, signature
    return request


def _ask(call: Callable[..., Message], request: Message, request_id: str) -> Message:
    return call(request, timeout=30, metadata=(("x-request-id", request_id),))


def _logged(tmp_path: Path, served: ModelServer) -> list[LoggedInference | LoggedRequest]:
    served.stop()
    return list(read_records(finished_files(tmp_path / "log")))


def test_inferences_are_logged_as_asked_and_answered(tmp_path: Path, served: ModelServer) -> None:
    requests: list[Any] = [
        _asked(classification_pb2.ClassificationRequest(), "classify_click"),
        _asked(regression_pb2.RegressionRequest(), "regress_ctcvr"),
        _multi(),
    ]
    with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = (stub.Classify, stub.Regress, stub.MultiInference)
        answers = [
            _ask(call, request, f"r{number}")
            for number, (call, request) in enumerate(zip(calls, requests, strict=True))
        ]
    found = _logged(tmp_path, served)
    signatures = (("classify_click",), ("regress_ctcvr",), ("regress_ctcvr", "classify_click"))
    for number, record in enumerate(found):
        assert isinstance(record, LoggedInference)
        assert (record.request, record.response) == (requests[number], answers[number])
        assert record.request_id == f"r{number}"
        assert (record.model_name, record.model_version) == (NAME, 4)
        assert record.signature_names == signatures[number]
        assert (record.transform_hash, record.sampling_rate) == (HASH, 1.0)
    assert len(found) == 3


def test_inferences_by_rest_are_logged_and_refused_ones_are_not(
    tmp_path: Path, served: ModelServer
) -> None:
    def post(what: str, signature: str, request_id: str) -> Any:
        body = {"signature_name": signature, "examples": [{"user": "ada", "price": 0.5}]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{served.rest_port}/v1/models/{NAME}:{what}",
            json.dumps(body).encode(),
            {"x-request-id": request_id},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["results"]

    [value] = post("regress", "regress_click", "a")
    [[[_, score]]] = post("classify", "classify_click", "b")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post("regress", "classify_click", "refused")
    records = _logged(tmp_path, served)
    assert [(record.request_id, record.model_version) for record in records] == [("a", 4), ("b", 4)]
    regressed, classified = (_response(record) for record in records)
    assert regressed.result.regressions[0].value == pytest.approx(value)
    assert classified.result.classifications[0].classes[0].score == pytest.approx(score)


def _response(record: LoggedInference | LoggedRequest) -> Any:
    assert isinstance(record, LoggedInference)
    return record.response


def test_predict_is_logged_once_as_before(tmp_path: Path, served: ModelServer) -> None:
    request = tiny_models.predict_request(tiny_models.examples())
    request.model_spec.name = NAME
    with grpc.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        answer: predict_pb2.PredictResponse = stub.Predict(request, timeout=30)
    [record] = _logged(tmp_path, served)
    assert isinstance(record, LoggedRequest)
    assert record.transform_hash == HASH
    assert dict(record.scores) == dict(answer.outputs)
