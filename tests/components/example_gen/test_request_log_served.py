"""From a served request to a training row: a real server's log, read by ExampleGen."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.logging import LoggingSettings
from rankbeam.serving.settings.model import ModelSettings
from tests.components.example_gen.runs import make_spec, read_split, run, write_parquet
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_available

pytestmark = pytest.mark.slow

_LOW = int(tf.int64.min)
_RAW: dict[str, Any] = {
    "user": np.array([["naïve"], [""], ["ada"]], object),
    "age": np.array([[0], [_LOW], [-7]]),
    "price": np.array([[0.0], [np.nan], [2.5]], np.float32),
    "tags": np.array([["x", "y"], ["", ""], ["", "é"]], object),
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ModelServer]:
    """A server of version 4 that logs everything below `tmp_path/log`."""
    tiny_models.save(tmp_path / "saved" / "model")
    shutil.copytree(tmp_path / "saved" / "model", tmp_path / "base" / "4")
    model = ModelSettings(NAME, tmp_path / "base", logging=LoggingSettings(tmp_path / "log"))
    with ModelServer(ServerOptions((model,), port=0, rest_port=0)) as running:
        wait_available(f"127.0.0.1:{running.port}", version=4)
        yield running


def _ask(server: ModelServer, request_id: str, inputs: dict[str, Any], signature: str) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(request, timeout=30, metadata=(("x-request-id", request_id),))
    return tf.make_ndarray(response.outputs["click"]).ravel()


def _ask_rest(server: ModelServer, request_id: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.rest_port}/v1/models/{NAME}:predict",
        json.dumps(body).encode(),
        {"x-request-id": request_id},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["outputs"]["click"]


def test_served_requests_become_training_rows(tmp_path: Path, served: ModelServer) -> None:
    scores = [
        *_ask(served, "g-1", {"examples": tiny_models.examples()}, "serving_default"),
        *_ask(served, "g-2", _RAW, "raw_tensors"),
        *_ask_rest(
            served,
            "h-1",
            {
                "signature_name": "raw_tensors",
                "inputs": {"user": [["grace"]], "age": [[1]], "price": [[0.5]], "tags": [["z"]]},
            },
        ),
    ]
    served.stop()
    ids = ["g-1"] * 4 + ["g-2"] * 3 + ["h-1"]
    positions = [0, 1, 2, 3, 0, 1, 2, 0]
    clicks = [1, 0, 0, 1, 0, 1, 0, 1]
    write_parquet(
        tmp_path / "clicks.parquet",
        {"request_id": ids[::-1], "position": positions[::-1], "click": clicks[::-1]},
    )
    names = ("user", "age", "price", "tags", "request_id", "position", "model_version")
    spec = make_spec(
        "log/*/",
        "request_log",
        columns={**dict.fromkeys(names), "click": "int", "score_click": None},
        multivalent=["tags"],
        split={"kind": "time", "column": "timestamp", "boundary": "2999-01-01"},
        outcomes={"kind": "parquet", "path": "clicks.parquet"},
        unmatched="drop",
    )
    run(spec, tmp_path)
    rows = read_split(tmp_path / "output", "train")
    assert [row["request_id"][0].decode() for row in rows] == ids
    assert [row["position"] for row in rows] == [[at] for at in positions]
    assert [row["click"] for row in rows] == [[click] for click in clicks]
    # The tiny model answers NaN for a missing price; a tf.Example has no value there.
    assert [row["score_click"] for row in rows] == [
        [] if np.isnan(score) else [np.float32(score)] for score in scores
    ]
    assert {row["model_version"][0] for row in rows} == {4}
    assert [row["user"] for row in rows[:4]] == [[b"ada"], [b"nobody"], [b"grace"], []]
    assert [row["age"] for row in rows] == [[3], [-7], [], [], [0], [], [-7], [1]]
    assert [row["price"] for row in rows[4:]] == [[0.0], [], [2.5], [0.5]]
    assert [row["user"] for row in rows[4:]] == [["naïve".encode()], [], [b"ada"], [b"grace"]]
    assert [row["tags"] for row in rows[4:]] == [[b"x", b"y"], [], ["é".encode()], [b"z"]]
