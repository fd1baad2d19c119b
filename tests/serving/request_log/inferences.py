"""Answered Classify, Regress and MultiInference requests, for the request log's tests."""

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)

VERSION = 7


def spec_of(signature: str, version: int = VERSION) -> model_pb2.ModelSpec:
    """The version that answered."""
    spec = model_pb2.ModelSpec(name="ranker", signature_name=signature)
    spec.version.value = version
    return spec


def input_of(*devices: str) -> input_pb2.Input:
    """Examples with one text each."""
    given = input_pb2.Input()
    for device in devices:
        example = given.example_list.examples.add()
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[device.encode()]))
        example.features.feature["device"].CopyFrom(feature)
    return given


def _classified(scores: list[float]) -> classification_pb2.ClassificationResult:
    result = classification_pb2.ClassificationResult()
    for score in scores:
        result.classifications.add().classes.add(label="yes", score=score)
    return result


def _regressed(values: list[float]) -> regression_pb2.RegressionResult:
    result = regression_pb2.RegressionResult()
    for value in values:
        result.regressions.add(value=value)
    return result


def _multi() -> tuple[Message, Message]:
    request = inference_pb2.MultiInferenceRequest(input=input_of("mobile"))
    response = inference_pb2.MultiInferenceResponse()
    for signature in ("regress_click", "classify_click"):
        kind = signature.partition("_")[0]
        request.tasks.add(
            model_spec=model_pb2.ModelSpec(name="ranker", signature_name=signature),
            method_name=f"tensorflow/serving/{kind}",
        )
        response.results.add(model_spec=spec_of(signature))
    response.results[0].regression_result.CopyFrom(_regressed([0.0]))
    response.results[1].classification_result.CopyFrom(_classified([1.0]))
    return request, response


INFERENCES: tuple[tuple[Message, Message], ...] = (
    (
        classification_pb2.ClassificationRequest(
            model_spec=model_pb2.ModelSpec(name="ranker", signature_name="classify_click"),
            input=input_of("mobile", "desktop"),
        ),
        classification_pb2.ClassificationResponse(
            model_spec=spec_of("classify_click"), result=_classified([0.25, 0.0])
        ),
    ),
    (
        regression_pb2.RegressionRequest(
            model_spec=model_pb2.ModelSpec(name="ranker", signature_name="regress_click"),
            input=input_of("mobile", ""),
        ),
        regression_pb2.RegressionResponse(
            model_spec=spec_of("regress_click"), result=_regressed([0.5, -0.0])
        ),
    ),
    _multi(),
)
"""Request and response of Classify, Regress and MultiInference, in that order."""
