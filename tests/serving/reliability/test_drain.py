"""SIGTERM under load: what was accepted is answered, what comes later is told to go elsewhere."""

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rankbeam.serving.client import PredictClient
from tests.serving.reliability import draining
from tests.serving.reliability.pushing import push
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server, serving
from tests.serving.waiting import NAME

pytestmark = pytest.mark.slow

LONG = 6
OVER_GRPC, OVER_REST = 6, 2


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
