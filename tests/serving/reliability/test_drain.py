"""SIGTERM under load: what was accepted is answered, what comes later is told to go elsewhere."""

import base64
import http.client
import json
import multiprocessing
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from rankbeam.serving import warmup
from rankbeam.serving.client import PredictClient
from tests.serving import tiny_models
from tests.serving.reliability import draining
from tests.serving.reliability.pushing import push
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server, serving
from tests.serving.waiting import NAME, wait_until

pytestmark = pytest.mark.slow

LONG = 6
OVER_GRPC, OVER_REST = 6, 2
ENDLESS = int(tf.int32.max)  # rounds; days
DRAIN_S = 1.0
SOON_S = 15.0  # for what must end soon after the drain time; endless otherwise
CUT = (f"--drain_timeout_seconds={DRAIN_S}", "--grpc_max_threads=4")


def _rounds(target: str) -> np.int32:
    """How many rounds of `slow` take half a second here."""
    with PredictClient(target, NAME, timeout_s=60.0) as client:
        client.predict_tensors({"rounds": np.int32(1)}, "slow")
        started = time.monotonic()
        client.predict_tensors({"rounds": np.int32(100)}, "slow")
        return np.int32(100 * 0.5 / (time.monotonic() - started))


def _ask_long(server: Server, pool: ThreadPoolExecutor) -> list["Future[float]"]:
    """Requests that take long, each over a connection of its own; returns once all are sent."""
    rounds, sent = _rounds(server.target), threading.Barrier(LONG + 1)

    def ask() -> float:
        with PredictClient(server.target, NAME, timeout_s=60.0) as client:
            client.status()  # connected: only the request itself is left to send
            sent.wait()
            return float(client.predict_tensors({"rounds": rounds}, "slow")["mean"])

    asked = [pool.submit(ask) for _ in range(LONG)]
    sent.wait()
    return asked


def test_sigterm_under_load_answers_all_that_was_accepted(
    tmp_path: Path,
    models: Mapping[float, Path],
    record_property: Callable[[str, object], None],
) -> None:
    log = tmp_path / "log"
    push(tmp_path / "base", models)
    spawn = multiprocessing.get_context("spawn")
    with (
        serving(tmp_path / "base", log) as server,
        ProcessPoolExecutor(1, spawn) as processes,
        ThreadPoolExecutor(LONG) as threads,
    ):
        load = processes.submit(draining.run, question(server), OVER_GRPC, OVER_REST)
        time.sleep(2.0)  # the load process starts
        long = _ask_long(server, threads)
        time.sleep(0.3)  # the long requests arrive
        code = server.terminate()
        means = [each.result() for each in long]
        ending = load.result()
    counts = {
        "long requests answered": len(means),
        "short requests answered": ending.tally.answered,
        "refused": dict(Counter(ending.refused)),
        "exit code": code,
    }
    record_property("drain", counts)
    print(counts)
    assert code == 0
    assert means == [pytest.approx(1 / 400, rel=1e-3)] * LONG
    assert ending.tally.wrong == 0
    assert ending.tally.answered > 0
    assert Counter(ending.refused) == {"UNAVAILABLE": OVER_GRPC, "closed": OVER_REST}
    assert "Traceback" not in log.read_text(errors="replace")


def _endless() -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "slow"
    request.inputs["rounds"].CopyFrom(tf.make_tensor_proto(ENDLESS, tf.int32))
    return request


def _ask_rest(server: Server) -> tuple[int, object]:
    """Status and body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)
    body = json.dumps({"signature_name": "slow", "inputs": {"rounds": ENDLESS}})
    connection.request("POST", f"/v1/models/{NAME}:predict", body)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.parametrize("batching", [False, True])
def test_graph_that_runs_on_does_not_hold_the_process_and_who_waits_is_told(
    tmp_path: Path, models: Mapping[float, Path], batching: bool
) -> None:
    log = tmp_path / "log"
    push(tmp_path / "base", models)
    flags = (*CUT, "--enable_batching") if batching else CUT
    with (
        serving(tmp_path / "base", log, *flags) as server,
        ThreadPoolExecutor(1) as thread,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        asked = [stub.Predict.future(_endless(), timeout=60) for _ in range(2)]
        over_rest = thread.submit(_ask_rest, server)
        time.sleep(1.0)  # they run
        started = time.monotonic()
        code = server.terminate(SOON_S)
        took_s = time.monotonic() - started
        refused = [call.exception(timeout=60).code().name for call in asked]
        answered = over_rest.result()
    assert code == 1
    assert took_s >= DRAIN_S
    assert refused == ["UNAVAILABLE"] * 2
    assert answered == (503, {"error": "The server stops"})
    said = log.read_text(errors="replace")
    assert f"the drain time of {DRAIN_S:g} s is over; cut off: graphs that run" in said
    assert "Traceback" not in said


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN], ids=["", "ignored"])
def _as_started(request: pytest.FixtureRequest) -> Iterator[None]:
    """What processes that are started inherit; a shell's background jobs ignore interrupts."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_as_started")
def test_second_interrupt_ends_the_drain_at_once(
    tmp_path: Path, models: Mapping[float, Path]
) -> None:
    push(tmp_path / "base", models)
    with (
        serving(tmp_path / "base", tmp_path / "log", "--drain_timeout_seconds=600") as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        asked = stub.Predict.future(_endless(), timeout=60)
        time.sleep(1.0)  # it runs
        for _ in range(2):
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.5)  # the first was taken
        assert server.process.wait(SOON_S) == 128 + signal.SIGINT
        assert asked.exception(timeout=60).code() is grpc.StatusCode.UNAVAILABLE


def test_answer_on_its_way_to_a_slow_reader_arrives_whole(
    tmp_path: Path, models: Mapping[float, Path]
) -> None:
    push(tmp_path / "base", models)
    examples = [{"b64": base64.b64encode(tiny_models.example(price=1.0)).decode()}] * 100_000
    body = json.dumps({"instances": examples}).encode()
    head = f"POST /v1/models/{NAME}:predict HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
    with (
        serving(tmp_path / "base", tmp_path / "log", "--drain_timeout_seconds=30") as server,
        socket.socket() as reader,
        ThreadPoolExecutor(1) as thread,
    ):
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", server.rest_port))
        reader.sendall(head.encode() + b"\r\n" + body)
        answer = reader.recv(100)
        ending = thread.submit(server.terminate)
        time.sleep(4.0)  # longer than what is cut gets for its last words
        while chunk := reader.recv(1 << 20):
            answer += chunk
        assert ending.result() == 0
    headers, _, content = answer.partition(b"\r\n\r\n")
    assert headers.startswith(b"HTTP/1.1 200 ")
    assert len(json.loads(content)["predictions"]) == len(examples)


def test_version_that_loads_on_does_not_hold_the_process(
    tmp_path: Path, models: Mapping[float, Path]
) -> None:
    base_path, log = tmp_path / "base", tmp_path / "log"
    push(base_path, models)
    with serving(base_path, log, *CUT, "--file_system_poll_wait_seconds=0.1") as server:
        shutil.copytree(models[0.0], base_path / ".next")
        warmup.write_warmup(base_path / ".next", [_endless()])
        (base_path / ".next").rename(base_path / "2")
        with PredictClient(server.target, NAME) as client:
            wait_until(lambda: client.status()[0].state == "LOADING")
        time.sleep(0.5)  # the warm-up runs
        assert server.terminate(SOON_S) == 1
    said = log.read_text(errors="replace")
    assert f"the drain time of {DRAIN_S:g} s is over; cut off: a version that loads" in said
    assert "Traceback" not in said
