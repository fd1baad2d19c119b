"""Swaps under load: versions come every two seconds and vanish, and no request notices."""

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.serving.reliability import asking
from tests.serving.reliability.pushing import push, remove_old
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server, serving
from tests.serving.waiting import wait_available

pytestmark = pytest.mark.slow

REQUESTS = 50_000
PROCESSES = 2
LEAST_SWAPS = 10
PUSH_EVERY_S = 2.0
WARM_UP_SWAPS = 4
MEMORY_GROWTH = 1.1


def _push_until_answered(
    under_way: Sequence["Future[asking.Tally]"],
    stop: Path,
    server: Server,
    push_next: Callable[[], int],
) -> list[int]:
    """Pushes every two seconds until the load has ended; returns the memory after each swap."""
    memory: list[int] = []
    due = time.monotonic()
    while not all(load.done() for load in under_way):
        wait_available(server.target, push_next())
        memory.append(server.memory())
        if len(memory) >= LEAST_SWAPS:
            stop.touch()  # the load may end once it has sent enough
        due += PUSH_EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
    return memory


def test_50_000_requests_while_versions_come_and_vanish(
    tmp_path: Path,
    models: Mapping[float, Path],
    record_property: Callable[[str, object], None],
) -> None:
    base_path, stop, log = tmp_path / "base", tmp_path / "stop", tmp_path / "log"
    push(base_path, models)

    def push_next() -> int:
        version = push(base_path, models)
        remove_old(base_path)
        return version

    total = asking.Tally()
    spawn = multiprocessing.get_context("spawn")  # a fork would copy gRPC's threads halfway
    with (
        serving(base_path, log, "--file_system_poll_wait_seconds=0.1") as server,
        ProcessPoolExecutor(PROCESSES, spawn) as pool,
    ):
        load = asking.Load(question(server), 3, 1, REQUESTS // PROCESSES, stop)
        under_way = [pool.submit(asking.run, load) for _ in range(PROCESSES)]
        memory = _push_until_answered(under_way, stop, server, push_next)
        for part in under_way:
            total.add(part.result())
    counts = {
        "answered": total.answered,
        "swaps": len(memory),
        "versions seen": len(total.versions),
        "failed": total.failed,
        "wrong": total.wrong,
        "backward": total.backward,
        "memory MB": [size >> 20 for size in memory],
    }
    record_property("swaps", counts)
    print(counts)
    assert (total.failed, total.wrong, total.backward, total.shown) == (0, 0, 0, [])
    assert total.answered >= REQUESTS
    assert len(total.versions) >= LEAST_SWAPS
    assert memory[-1] <= MEMORY_GROWTH * memory[WARM_UP_SWAPS - 1]
    assert "Traceback" not in log.read_text()
