"""REST and gRPC are two ways to the same answers."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from rankbeam.serving.tensors import Array
from tests.serving.rest.http_client import NAME, Api


def _over_grpc(channel: grpc.Channel, **inputs: Array) -> dict[str, Array]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = "named"
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
    return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("layout", ["instances", "inputs"])
def test_rest_answers_what_grpc_answers_to_the_last_bit(
    api: Api, channel: grpc.Channel, seed: int, layout: str
) -> None:
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 300))
    pair = (draw.normal(size=(count, 2)) * 10.0 ** draw.integers(-30, 30)).astype(np.float32)
    number = draw.integers(-(2**62), 2**62, count)
    expected = _over_grpc(channel, pair=pair, number=number)
    if layout == "inputs":
        document = {"pair": pair.tolist(), "number": number.tolist()}
        found = api.predict("named", inputs=document).json["outputs"]
    else:
        rows = [
            {"pair": p, "number": n} for p, n in zip(pair.tolist(), number.tolist(), strict=True)
        ]
        answered = api.predict("named", instances=rows).json["predictions"]
        found = {name: [row[name] for row in answered] for name in expected}
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(np.array(found[name], values.dtype), values)
