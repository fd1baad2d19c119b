"""Right requests for every method, to be spoilt. Imports TensorFlow, for its protos."""

import tensorflow as tf
from tensorflow_serving.apis import inference_pb2, predict_pb2, regression_pb2

from tests.serving import tiny_models
from tests.serving.waiting import NAME

PREDICTION = "/tensorflow.serving.PredictionService/"
PREDICT = f"{PREDICTION}Predict"
_EXAMPLES = tiny_models.examples()


def predict(signature: str = "") -> predict_pb2.PredictRequest:
    """Examples for a signature with one input."""
    request = tiny_models.predict_request(_EXAMPLES, signature)
    request.model_spec.name = NAME
    return request


def raw_tensors() -> predict_pb2.PredictRequest:
    """Four inputs by name."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = "raw_tensors"
    columns = {"user": [["ada"]], "age": [[3]], "price": [[0.5]], "tags": [["x"]]}
    for name, values in columns.items():
        dtype = tf.int64 if name == "age" else None
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
    return request


def regress() -> regression_pb2.RegressionRequest:
    """Examples for Regress."""
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = "regress_click"
    for row in _EXAMPLES:
        request.input.example_list.examples.append(tf.train.Example.FromString(row))
    return request


def multi_inference() -> inference_pb2.MultiInferenceRequest:
    """Two Regress tasks."""
    request = inference_pb2.MultiInferenceRequest(input=regress().input)
    for name in ("regress_click", "regress_ctcvr"):
        task = request.tasks.add(method_name="tensorflow/serving/regress")
        task.model_spec.name, task.model_spec.signature_name = NAME, name
    return request


VALID = (
    (PREDICT, predict().SerializeToString()),
    (PREDICT, raw_tensors().SerializeToString()),
    (f"{PREDICTION}Regress", regress().SerializeToString()),
    (f"{PREDICTION}MultiInference", multi_inference().SerializeToString()),
)
"""Method path and message."""
