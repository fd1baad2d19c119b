"""The load of `benchmarks/serving.py` against a real server of a tiny model."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving_load.bench import Bench
from benchmarks.serving_load.children import Child, ChildFailedError, module, own_environment
from benchmarks.serving_load.sides import MODEL_NAME, Embedded, Load, start_embedded
from tests.serving import tiny_models

pytestmark = pytest.mark.slow

_SIZES = {1: 4, 3: 2}


@dataclass(frozen=True)
class _Running:
    bare: Child
    load: Load
    server: Embedded
    requests: Path


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Running]:
    """The load, the judge and a server of one tiny model, with requests of its rows."""
    folder = tmp_path_factory.mktemp("load")
    version = tiny_models.save(folder / "base" / "1")
    with tf.io.TFRecordWriter(str(folder / "rows")) as writer:
        for row in tiny_models.examples():
            writer.write(row)
        for age in range(2):
            writer.write(tiny_models.example("ada", age, 0.5))
    requests = folder / "requests"
    requests.mkdir()
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        command = module("bare", str(version), str(requests))
        bare = Child("bare", command, folder, cores=cores, environment=own_environment())
        stack.enter_context(bare)
        load = Load(folder, requests, cores)
        stack.enter_context(load.child)
        server = start_embedded(stack, folder / "base", folder / "s", cores, batching=False)
        bare.ask({"do": "prepare", "pattern": str(folder / "rows"), "counts": _SIZES})
        for endpoint in (server.grpc, server.rest):
            load.wait(endpoint, server.child)
        yield _Running(bare, load, server, requests)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_every_answer_is_counted_and_a_sample_is_right(running: _Running, protocol: str) -> None:
    bench = Bench(0.5, 1, running.bare)
    endpoint = getattr(running.server, protocol)

    found = bench.served(running.load, endpoint, 3, 2)()

    assert bench.failures == []
    assert bench.checked >= _SIZES[3]
    assert found["qps"] > 0
    assert 0 < found["p50"] <= found["p95"] <= found["p99"]


def _parsed(target: str) -> int:
    """How many examples the served model has seen."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL_NAME
    request.model_spec.signature_name = "parsed_examples"
    with grpc.insecure_channel(target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return int(stub.Predict(request, timeout=10.0).outputs["count"].int64_val[0])


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_requests_are_as_many_as_the_model_was_asked(running: _Running, protocol: str) -> None:
    before = _parsed(running.server.grpc.target)

    found = running.load.run(getattr(running.server, protocol), 3, 4, 0.5, 0.0)

    assert found["errors"] == 0
    assert found["requests"] >= 4
    assert _parsed(running.server.grpc.target) - before == 3 * found["requests"]


def test_wrong_answers_are_found(running: _Running, tmp_path: Path) -> None:
    kept = tmp_path / "kept.npy"
    expected = running.requests / "expected-1-2.npy"
    shutil.copyfile(expected, kept)
    np.save(expected, np.load(kept) + np.float32(1e-3))
    bench = Bench(0.3, 1, running.bare)
    try:
        bench.served(running.load, running.server.grpc, 1, 1)()
    finally:
        shutil.copyfile(kept, expected)

    assert len(bench.failures) == 1
    assert "rankbeam gRPC, 1 candidates, concurrency 1: " in bench.failures[0]
    assert (
        "answers are wrong: request 2: ValueError: scores differ by up to 0.00"
        in (bench.failures[0])
    )


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_failed_requests_are_counted_with_their_reason(running: _Running, protocol: str) -> None:
    bench = Bench(0.2, 1, running.bare)
    path = (
        "/tensorflow.serving.PredictionService/Nope"
        if protocol == "grpc"
        else "/v1/models/nope:predict"
    )
    endpoint = replace(getattr(running.server, protocol), path=path)

    found = bench.served(running.load, endpoint, 1, 2)()

    reason = {"grpc": "UNIMPLEMENTED", "rest": "HttpError: status 404"}[protocol]
    assert found["qps"] == 0.0
    assert "requests failed: " + reason in bench.failures[0]
    assert "no answer to check" in bench.failures[1]


def test_both_ways_to_call_in_process_give_the_scores_of_numpy(running: _Running) -> None:
    for how in ("function", "session"):
        asked = {"do": "measure", "size": 3, "how": how, "threads": 2, "seconds": 0.1}
        assert running.bare.ask(asked)["requests"] >= 2
    oracle = tiny_models.oracle()
    first_three = np.stack([oracle[name][:3] for name in sorted(oracle)], axis=1)
    saved = np.load(running.requests / "expected-3-0.npy")
    np.testing.assert_allclose(saved, first_three, rtol=1e-6)  # float32, another order of sums


def test_a_child_that_ends_says_why(tmp_path: Path) -> None:
    command = module("bare", str(tmp_path / "missing"), str(tmp_path))
    environment = own_environment()
    with (
        Child("bare", command, tmp_path, cores=[0], environment=environment) as child,
        pytest.raises(ChildFailedError, match=r"bare ended\n(.*\n)*.*missing"),
    ):
        child.read_line()
