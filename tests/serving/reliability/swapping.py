"""Load while versions come and vanish. Imports TensorFlow, for the question."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.serving.reliability import asking
from tests.serving.reliability.asking import Tally, Tls
from tests.serving.reliability.pushing import push, remove_old
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server
from tests.serving.waiting import wait_available

OFTEN = "--file_system_poll_wait_seconds=0.1"
"""The server's flag: a version that is there for a second or two must be seen at once."""

_PROCESSES = 2
_OVER_GRPC, _OVER_REST = 3, 1  # connections of each process


@dataclass(frozen=True, slots=True)
class Swaps:
    """How much, and how often.

    Attributes:
        requests: sent at least.
        swaps: at least; the load goes on until they are through.
        every_s: seconds between two pushes.
        tls: for a server whose gRPC port speaks TLS.
    """

    requests: int
    swaps: int
    every_s: float
    tls: Tls | None = None


@dataclass(slots=True)
class Swapped:
    """What came of it.

    Attributes:
        total: the answers.
        memory: the server's, in bytes, after each swap.
    """

    total: Tally = field(default_factory=Tally)
    memory: list[int] = field(default_factory=list)

    def counts(self) -> dict[str, object]:
        """The figures by name."""
        return {
            "answered": self.total.answered,
            "swaps": len(self.memory),
            "versions seen": len(self.total.versions),
            "failed": self.total.failed,
            "wrong": self.total.wrong,
            "backward": self.total.backward,
            "memory MB": [size >> 20 for size in self.memory],
        }


def run(server: Server, base_path: Path, models: Mapping[float, Path], swaps: Swaps) -> Swapped:
    """Asks from processes of their own while versions are pushed and old ones removed."""
    found = Swapped()
    stop = base_path.parent / "stop"
    each = swaps.requests // _PROCESSES
    load = asking.Load(question(server, swaps.tls), _OVER_GRPC, _OVER_REST, each, stop)
    spawn = multiprocessing.get_context("spawn")  # a fork would copy gRPC's threads halfway
    with ProcessPoolExecutor(_PROCESSES, spawn) as pool:
        under_way = [pool.submit(asking.run, load) for _ in range(_PROCESSES)]
        try:
            _push_until_done(under_way, stop, server, base_path, models, swaps, found.memory)
        finally:
            stop.touch()  # whatever happened: nobody waits for load that never ends
        for part in under_way:
            found.total.add(part.result())
    return found


def _push_until_done(
    under_way: Sequence["Future[Tally]"],
    stop: Path,
    server: Server,
    base_path: Path,
    models: Mapping[float, Path],
    swaps: Swaps,
    memory: list[int],
) -> None:
    due = time.monotonic()
    while not all(load.done() for load in under_way):
        version = push(base_path, models)
        remove_old(base_path)
        wait_available(server.target, version, channel=server.channel)
        memory.append(server.memory())
        if len(memory) >= swaps.swaps:
            stop.touch()  # the load may end once it has sent enough
        due += swaps.every_s
        time.sleep(max(0.0, due - time.monotonic()))
