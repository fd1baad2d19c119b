"""The server over the wire, asked with the stock stubs and none of Rankbeam's client code."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub as ModelStub
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceStub as PredictionStub,
)

from rankbeam.serving.grpc_front import PREDICTION_SERVICE
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.transform.errors import EnvironmentFault
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_available, wait_until

AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE
END = get_model_status_pb2.ModelVersionStatus.END


@pytest.fixture
def channel(server: ModelServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as connected:
        yield connected


@pytest.fixture
def prediction(channel: grpc.Channel) -> PredictionStub:
    return PredictionStub(channel)


@pytest.fixture
def models(channel: grpc.Channel) -> ModelStub:
    return ModelStub(channel)


def _predict(
    inputs: Mapping[str, object] | None = None,
    *,
    name: str = NAME,
    version: int | None = None,
    signature: str = "",
) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for alias, values in (inputs or {"examples": tiny_models.examples()}).items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(values))
    return request


def _status(
    name: str = NAME, version: int | None = None
) -> get_model_status_pb2.GetModelStatusRequest:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


def _failure(call: Callable[..., object], request: object) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as raised:
        call(request, timeout=10)
    return raised.value.code().name, raised.value.details()


@pytest.mark.parametrize("version", [None, 1])
def test_server_predict_answers_with_scores_version_and_signature(
    prediction: PredictionStub, version: int | None
) -> None:
    response = prediction.Predict(_predict(version=version), timeout=10)
    assert response.model_spec.name == NAME
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "serving_default"
    for name, expected in tiny_models.oracle().items():
        np.testing.assert_allclose(
            tf.make_ndarray(response.outputs[name]), expected, rtol=0, atol=2e-7
        )


def test_server_predict_takes_five_megabytes(
    prediction: PredictionStub,
) -> None:
    row = tiny_models.example(user="x" * 1_000_000)
    response = prediction.Predict(_predict({"examples": [row] * 5}), timeout=30)
    assert tf.make_ndarray(response.outputs["click"]).shape == (5,)


PREDICT_REFUSALS = [
    (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
    (_predict(name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    (_predict(name="x"), "NOT_FOUND", "Servable not found for request: Latest(x)"),
    (
        _predict(name="x", version=3),
        "NOT_FOUND",
        "Servable not found for request: Specific(x, 3)",
    ),
    (_predict(version=3), "NOT_FOUND", "Servable not found for request: Specific(tiny, 3)"),
    (_predict(signature="x"), "FAILED_PRECONDITION", 'Serving signature key "x" not found.'),
    (
        _predict({"x": ["a"]}),
        "INVALID_ARGUMENT",
        "input tensor alias not found in signature: x. "
        "Inputs expected to be in the set {examples}.",
    ),
    (
        _predict({"examples": [1.0]}),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be string but float is provided",
    ),
]


@pytest.mark.parametrize(("request_", "code", "details"), PREDICT_REFUSALS)
def test_server_predict_refusals(
    prediction: PredictionStub,
    request_: predict_pb2.PredictRequest,
    code: str,
    details: str,
) -> None:
    assert _failure(prediction.Predict, request_) == (code, details)


def test_server_predict_of_a_version_label_is_refused(
    prediction: PredictionStub,
) -> None:
    request = _predict()
    request.model_spec.version_label = "canary"
    assert _failure(prediction.Predict, request) == (
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: canary",
    )


def test_server_errors_are_cut_to_a_headers_size(
    prediction: PredictionStub,
) -> None:
    code, details = _failure(prediction.Predict, _predict({"x" * 5000: ["a"]}))
    assert code == "INVALID_ARGUMENT"
    assert len(details) == 1024 + len("...TRUNCATED")


def test_server_survives_bytes_that_are_no_example(
    prediction: PredictionStub,
) -> None:
    code, details = _failure(prediction.Predict, _predict({"examples": [b"\xff\x00"]}))
    assert code == "INVALID_ARGUMENT"
    assert "Could not parse example input" in details
    assert prediction.Predict(_predict(), timeout=10).model_spec.version.value == 1


def test_server_unknown_methods_are_unimplemented(channel: grpc.Channel) -> None:
    for method in (f"/{PREDICTION_SERVICE}/Rank", "/tensorflow.serving.SessionService/SessionRun"):
        code, _ = _failure(channel.unary_unary(method), b"")
        assert code == "UNIMPLEMENTED"


def test_server_bytes_that_are_no_proto_are_internal_as_in_grpc_itself(
    channel: grpc.Channel,
) -> None:
    code, details = _failure(channel.unary_unary(f"/{PREDICTION_SERVICE}/Predict"), b"\xff\xff")
    assert code == "INTERNAL"
    assert details.startswith("request is not a PredictRequest")


def test_server_metadata_describes_signatures(
    prediction: PredictionStub,
) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    response = prediction.GetModelMetadata(request, timeout=10)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert response.model_spec.version.value == 1
    raw = signatures.signature_def["raw_tensors"]
    assert {name: tf.as_dtype(info.dtype) for name, info in raw.inputs.items()} == {
        "user": tf.string,
        "age": tf.int64,
        "price": tf.float32,
        "tags": tf.string,
    }
    assert set(raw.outputs) == {"click", "conversion", "ctcvr"}


METADATA_REFUSALS = [
    ("", [], "Missing ModelSpec"),
    (NAME, [], "GetModelMetadataRequest must specify at least one metadata_field"),
    (NAME, ["x"], "Metadata field x is not supported"),
]


@pytest.mark.parametrize(("name", "fields", "details"), METADATA_REFUSALS)
def test_server_metadata_refusals(
    prediction: PredictionStub,
    name: str,
    fields: list[str],
    details: str,
) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    if name:
        request.model_spec.name = name
    assert _failure(prediction.GetModelMetadata, request) == ("INVALID_ARGUMENT", details)


@pytest.mark.parametrize("version", [None, 1])
def test_server_status_of_a_served_model(models: ModelStub, version: int | None) -> None:
    (row,) = models.GetModelStatus(_status(version=version), timeout=10).model_version_status
    assert (row.version, row.state, row.status.error_code) == (1, AVAILABLE, 0)


def test_server_status_refusals(models: ModelStub) -> None:
    empty = get_model_status_pb2.GetModelStatusRequest()
    assert _failure(models.GetModelStatus, empty) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    for request, details in (
        (_status("x"), "Could not find any versions of model x"),
        (_status("x", 2), "Could not find version 2 of model x"),
        (_status(NAME, 2), "Could not find version 2 of model tiny"),
    ):
        assert _failure(models.GetModelStatus, request) == ("NOT_FOUND", details)


def test_server_swaps_to_a_new_version_without_one_failure(
    base_path: Path, biased_model: Path
) -> None:
    """Requests run from before the push until well after it: none fails, the scores change once."""
    answers: list[tuple[int, float]] = []
    done = threading.Event()
    with ModelServer(
        ServerOptions((ModelSettings(NAME, base_path),), port=0, poll_wait_s=0.02)
    ) as server:
        target = f"127.0.0.1:{server.port}"
        wait_available(target)

        def ask() -> None:
            with grpc.insecure_channel(target) as channel:
                stub = PredictionStub(channel)
                while not done.is_set():
                    response = stub.Predict(_predict(), timeout=10)
                    click = tf.make_ndarray(response.outputs["click"])[0]
                    answers.append((response.model_spec.version.value, float(click)))

        asking = threading.Thread(target=ask)
        asking.start()
        shutil.copytree(biased_model, base_path / ".new")
        (base_path / ".new").rename(base_path / "2")
        wait_available(target, version=2)
        time.sleep(0.2)
        done.set()
        asking.join()
    versions = [version for version, _ in answers]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}
    by_version = {1: tiny_models.oracle(), 2: tiny_models.oracle(bias=1.0)}
    assert all(
        click == pytest.approx(by_version[version]["click"][0], abs=2e-7)
        for version, click in answers
    )


def test_server_reports_a_broken_version_and_keeps_the_old_one(base_path: Path) -> None:
    with ModelServer(
        ServerOptions((ModelSettings(NAME, base_path),), port=0, poll_wait_s=0.02)
    ) as server:
        target = f"127.0.0.1:{server.port}"
        wait_available(target)
        (base_path / "2").mkdir()
        with grpc.insecure_channel(target) as channel:
            models = ModelStub(channel)

            def states() -> dict[int, tuple[int, str]]:
                rows = models.GetModelStatus(_status(), timeout=10).model_version_status
                return {row.version: (row.state, row.status.error_message) for row in rows}

            wait_until(lambda: states().get(2, (0, ""))[0] == END)
            assert states()[1] == (AVAILABLE, "")
            assert "Could not find SavedModel" in states()[2][1]
            stub = PredictionStub(channel)
            assert stub.Predict(_predict(), timeout=10).model_spec.version.value == 1


def test_server_port_in_use_is_a_fault_of_the_machine(server: ModelServer, tmp_path: Path) -> None:
    second = ModelServer(ServerOptions((ModelSettings(NAME, tmp_path),), port=server.port))
    with pytest.raises(EnvironmentFault, match=f"cannot listen on 127.0.0.1:{server.port}"):
        second.start()
