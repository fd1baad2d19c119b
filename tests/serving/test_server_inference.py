"""Classify, Regress and MultiInference over the wire, with the stock stubs."""

from collections.abc import Iterator, Sequence

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from rankbeam.serving.server import ModelServer
from tests.serving import tiny_models
from tests.serving.waiting import NAME

TOLERANCE = 2e-7
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


@pytest.fixture
def stub(server: ModelServer) -> Iterator[prediction_service_pb2_grpc.PredictionServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _examples() -> list[tf.train.Example]:
    return [tf.train.Example.FromString(row) for row in tiny_models.examples()]


def _input(examples: Sequence[tf.train.Example]) -> input_pb2.Input:
    return input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples))


def _classify(signature: str = "classify_click") -> classification_pb2.ClassificationRequest:
    request = classification_pb2.ClassificationRequest(input=_input(_examples()))
    request.model_spec.name = NAME
    request.model_spec.signature_name = signature
    return request


def _regress(signature: str = "regress_ctcvr") -> regression_pb2.RegressionRequest:
    request = regression_pb2.RegressionRequest(input=_input(_examples()))
    request.model_spec.name = NAME
    request.model_spec.signature_name = signature
    return request


def _multi(*tasks: tuple[str, str], name: str = NAME) -> inference_pb2.MultiInferenceRequest:
    request = inference_pb2.MultiInferenceRequest(input=_input(_examples()))
    for signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = name
        task.model_spec.signature_name = signature
    return request


def test_server_classify_gives_each_example_its_score(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
) -> None:
    response = stub.Classify(_classify(), timeout=10)
    scores = [row.classes[0].score for row in response.result.classifications]
    np.testing.assert_allclose(scores, tiny_models.oracle()["click"], atol=TOLERANCE)
    assert response.model_spec.name == NAME
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "classify_click"


def test_server_regress_gives_each_example_its_value(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
) -> None:
    response = stub.Regress(_regress(), timeout=10)
    values = [row.value for row in response.result.regressions]
    np.testing.assert_allclose(values, tiny_models.oracle()["ctcvr"], atol=TOLERANCE)


def test_server_regress_merges_the_context_into_each_example(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
) -> None:
    context = tf.train.Example.FromString(tiny_models.example("ada", 3))
    examples = [tf.train.Example.FromString(tiny_models.example(price=p)) for p in (0.5, -0.25)]
    request = _regress("regress_click")
    request.input.CopyFrom(
        input_pb2.Input(
            example_list_with_context=input_pb2.ExampleListWithContext(
                context=context, examples=examples
            )
        )
    )
    values = [row.value for row in stub.Regress(request, timeout=10).result.regressions]
    rows = [{"user": "ada", "age": 3, "price": p} for p in (0.5, -0.25)]
    np.testing.assert_allclose(values, tiny_models.oracle(rows)["click"], atol=TOLERANCE)


def test_server_multi_inference_answers_every_task_in_order(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
) -> None:
    request = _multi(
        ("regress_ctcvr", REGRESS), ("classify_click", CLASSIFY), ("regress_click", REGRESS)
    )
    response = stub.MultiInference(request, timeout=10)
    oracle = tiny_models.oracle()
    first, second, third = response.results
    assert [r.model_spec.signature_name for r in response.results] == [
        "regress_ctcvr",
        "classify_click",
        "regress_click",
    ]
    for result, name in ((first, "ctcvr"), (third, "click")):
        values = [row.value for row in result.regression_result.regressions]
        np.testing.assert_allclose(values, oracle[name], atol=TOLERANCE)
    scores = [row.classes[0].score for row in second.classification_result.classifications]
    np.testing.assert_allclose(scores, oracle["click"], atol=TOLERANCE)


def _without_input(request: classification_pb2.ClassificationRequest) -> object:
    request.ClearField("input")
    return request


BAD_CALLS: list[tuple[str, object, str, str]] = [
    ("Classify", _without_input(_classify()), "INVALID_ARGUMENT", "Input is empty."),
    (
        "Classify",
        _classify("nope"),
        "INVALID_ARGUMENT",
        "No signature was found with the name: nope",
    ),
    (
        "Classify",
        _classify(""),
        "INVALID_ARGUMENT",
        f"Expected classification signature method_name to be {CLASSIFY}. "
        "Was: tensorflow/serving/predict",
    ),
    (
        "Regress",
        _regress("classify_click"),
        "INVALID_ARGUMENT",
        f"Expected regression signature method_name to be {REGRESS}. Was: {CLASSIFY}",
    ),
    ("MultiInference", _multi(), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    (
        "MultiInference",
        _multi(("regress_click", REGRESS), ("regress_click", REGRESS)),
        "INVALID_ARGUMENT",
        "Duplicate evaluation of signature: regress_click",
    ),
    (
        "MultiInference",
        _multi(("nope", REGRESS)),
        "INVALID_ARGUMENT",
        "Requested signature not found in model graph: nope",
    ),
    (
        "MultiInference",
        _multi(("regress_click", "tensorflow/serving/predict")),
        "UNIMPLEMENTED",
        "Unsupported signature method_name: tensorflow/serving/predict",
    ),
    (
        "MultiInference",
        _multi(("regress_click", REGRESS), name="other"),
        "NOT_FOUND",
        "Servable not found for request: Latest(other)",
    ),
]


@pytest.mark.parametrize(("method", "request_", "code", "message"), BAD_CALLS)
def test_server_inference_refuses_as_tensorflow_serving_does(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    method: str,
    request_: object,
    code: str,
    message: str,
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        getattr(stub, method)(request_, timeout=10)
    assert (raised.value.code().name, raised.value.details()) == (code, message)


def test_server_multi_inference_refuses_two_models(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
) -> None:
    request = _multi(("regress_click", REGRESS), ("regress_ctcvr", REGRESS))
    request.tasks[1].model_spec.name = "other"
    with pytest.raises(grpc.RpcError) as raised:
        stub.MultiInference(request, timeout=10)
    assert "must access the same model name" in raised.value.details()
