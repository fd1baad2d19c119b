"""What was pushed answers the command line, TensorFlow's stock client and curl alike."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.command import rankbeam, started
from tests.e2e.conftest import Undisturbed
from tests.serving.reliability.servers import free_port

pytestmark = pytest.mark.slow

_REQUEST = {"offer_id": "o3", "device": "mobile", "price": 12.5}

# A client of TensorFlow Serving, and the SavedModel called directly; neither knows Rankbeam.
_STOCK = """
import json, sys
import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

target, folder, text = sys.argv[1:]
values = json.loads(text)
example = tf.train.Example()
for name in ("offer_id", "device"):
    example.features.feature[name].bytes_list.value.append(values[name].encode())
example.features.feature["price"].float_list.value.append(values["price"])
batch = tf.constant([example.SerializeToString()])
request = predict_pb2.PredictRequest()
request.model_spec.name = "tiny"
request.inputs["examples"].CopyFrom(tf.make_tensor_proto(batch))
with grpc.insecure_channel(target) as channel:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    answer = stub.Predict(request, timeout=30)
served = {name: tf.make_ndarray(value).item() for name, value in answer.outputs.items()}
signature = tf.saved_model.load(folder).signatures["serving_default"]
direct = {name: value.numpy().item() for name, value in signature(examples=batch).items()}
assert not any(name.split(".")[0] == "rankbeam" for name in sys.modules)
print(json.dumps([served, direct, answer.model_spec.version.value]))
"""


@pytest.fixture(scope="module")
def server(undisturbed: Undisturbed) -> Iterator[dict[str, Any]]:
    """What `rankbeam serve` announces, while it serves."""
    # A free REST port, since tests that run beside this one may have the usual one.
    ports = ("--port=0", f"--rest_api_port={free_port()}")
    with started("serve", *ports, undisturbed.output / "pushed") as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(timeout=30) == 0


def _predict(server: dict[str, Any], request: str) -> Any:
    answer = rankbeam(
        "predict", request, "--model-name", "tiny", "--target", f"127.0.0.1:{server['grpc_port']}"
    )
    assert (answer.code, answer.err) == (0, "")
    return json.loads(answer.out)


def test_serve_and_predict_agree_with_the_stock_client_to_the_last_bit(
    undisturbed: Undisturbed, server: dict[str, Any]
) -> None:
    version = max(int(path.name) for path in (undisturbed.output / "pushed").iterdir())
    folder: Path = undisturbed.output / "pushed" / str(version)
    request = json.dumps(_REQUEST)
    target = f"127.0.0.1:{server['grpc_port']}"
    stock = subprocess.run(
        [sys.executable, "-I", "-c", _STOCK, target, str(folder), request],
        capture_output=True,
        text=True,
        check=True,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    )
    served, direct, served_version = json.loads(stock.stdout)
    assert served == direct
    assert served_version == version
    assert set(served) == {"click", "conversion", "ctcvr"}
    assert _predict(server, request) == [{"scores": served, "model_version": version}]


# A body of REST's row format, made by TensorFlow alone.
_STOCK_BODY = """
import base64, json, sys
import tensorflow as tf

values = json.loads(sys.argv[1])
example = tf.train.Example()
for name in ("offer_id", "device"):
    example.features.feature[name].bytes_list.value.append(values[name].encode())
example.features.feature["price"].float_list.value.append(values["price"])
encoded = base64.b64encode(example.SerializeToString()).decode()
print(json.dumps({"instances": [{"examples": {"b64": encoded}}]}))
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_serve_answers_plain_curl_as_it_answers_the_command_line(server: dict[str, Any]) -> None:
    request = json.dumps(_REQUEST)
    body = subprocess.run(
        [sys.executable, "-I", "-c", _STOCK_BODY, request],
        capture_output=True,
        text=True,
        check=True,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
    ).stdout
    url = f"http://127.0.0.1:{server['rest_port']}/v1/models/tiny:predict"
    curl = subprocess.run(
        ["curl", "-sS", "--fail", "--max-time", "30", "--data", "@-", url],
        input=body,
        capture_output=True,
        text=True,
        check=True,
    )
    [answer] = json.loads(curl.stdout)["predictions"]
    [expected] = _predict(server, request)
    # JSON has as few digits as tell float32 values apart.
    assert {name: np.float32(value) for name, value in answer.items()} == {
        name: np.float32(value) for name, value in expected["scores"].items()
    }


def test_predict_scores_every_object_of_a_list(server: dict[str, Any]) -> None:
    one, other = _predict(server, json.dumps([_REQUEST, {"offer_id": "never seen"}]))
    assert one["scores"] != other["scores"]
    assert all(0 < score < 1 for score in other["scores"].values())
