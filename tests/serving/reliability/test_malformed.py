"""100,000 requests that are wrong in every way, while right ones go on being answered."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving.reliability import (
    asking,
    attack,
    malformed_calls,
    malformed_grpc,
    malformed_http,
    malformed_raw,
    slow,
)
from tests.serving.reliability.attack import Attack, Outcome
from tests.serving.reliability.cases import Case
from tests.serving.reliability.pushing import push
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server, serving
from tests.serving.reliability.slow import Slow
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSES = 2
OVER_GRPC, OVERSIZED, OVER_REST, CLOSING, GARBAGE, CALLS = 44_000, 200, 44_000, 7_000, 3_294, 1_200
SLOW, OVERSIZED_BODIES = 75, 6
GOOD = 10_000  # before the attack: enough for memory that no longer grows with right requests
MEMORY_GROWTH = 1.1
LATE_THREADS = 8  # of pools that start a thread, with a file, only when all others are busy
MOST_BYTES = 1 << 20
FLAGS = (f"--grpc_channel_arguments=grpc.max_receive_message_length={MOST_BYTES}",)


@dataclass(frozen=True, slots=True)
class Use:
    """What a server uses: resident bytes, threads, files and sockets."""

    memory: int
    threads: int
    descriptors: int


def _use(server: Server) -> Use:
    return Use(server.memory(), server.threads(), server.descriptors())


def _cases(seed: int) -> list[Case]:
    """All cases but the slow ones, in random order."""
    found: list[Case] = [
        *malformed_grpc.cases(seed, OVER_GRPC, OVERSIZED),
        *malformed_http.cases(seed, OVER_REST, CLOSING),
        *malformed_raw.cases(seed, GARBAGE),
        *malformed_calls.cases(seed, CALLS),
    ]
    random.Random(seed).shuffle(found)
    return found


def _ask_right(tmp_path: Path, server: Server, pool: ProcessPoolExecutor) -> None:
    """Right requests alone, over as many connections as the attack has."""
    idle = server.descriptors()
    stop = tmp_path / "right"
    stop.touch()
    load = asking.Load(question(server), 8, 8, GOOD // PROCESSES, stop)
    for part in [pool.submit(asking.run, load) for _ in range(PROCESSES)]:
        tally = part.result()
        assert (tally.failed, tally.wrong, tally.shown) == (0, 0, [])
    wait_until(lambda: server.descriptors() <= idle + LATE_THREADS)


def _attack(tmp_path: Path, server: Server, pool: ProcessPoolExecutor) -> Outcome:
    """All 100,000, the slow ones beside the others."""
    stop = tmp_path / "stop"
    asked = question(server)
    late = Slow(
        server.rest_port,
        server.port,
        SLOW,
        OVERSIZED_BODIES,
        asked.path,
        malformed_calls.BEGUN,
        stop,
    )
    under_way = pool.submit(slow.run, late)
    cases = _cases(seed=2)
    outcome = Outcome()
    for part in pool.map(
        attack.run, [Attack(asked, cases[index::PROCESSES]) for index in range(PROCESSES)]
    ):
        outcome.add(part)
    stop.touch()
    outcome.add(under_way.result())
    return outcome


def test_100_000_malformed_requests_are_answered_right_and_leave_nothing_behind(
    tmp_path: Path,
    models: Mapping[float, Path],
    record_property: Callable[[str, object], None],
) -> None:
    log = tmp_path / "log"
    push(tmp_path / "base", models)
    spawn = multiprocessing.get_context("spawn")  # a fork would copy gRPC's threads halfway
    with (
        serving(tmp_path / "base", log, *FLAGS) as server,
        ProcessPoolExecutor(PROCESSES + 1, spawn) as pool,
    ):
        _ask_right(tmp_path, server, pool)
        before = _use(server)
        outcome = _attack(tmp_path, server, pool)
        wait_until(lambda: server.descriptors() <= before.descriptors + LATE_THREADS)
        time.sleep(1.0)  # what is under way after the last answer ends
        after = _use(server)
        counts = _counts(outcome, before, after)
        print(counts, outcome.wrong[:5], sep="\n")
        assert server.terminate() == 0
    record_property("malformed", counts)
    assert outcome.wrong == []
    assert outcome.answers.total() == 100_000
    good = outcome.good
    assert (good.failed, good.wrong, good.shown) == (0, 0, [])
    assert good.answered >= 1_000
    assert after.memory <= MEMORY_GROWTH * before.memory
    assert after.threads <= before.threads + LATE_THREADS
    assert "Traceback" not in log.read_text(errors="replace")


def _counts(outcome: Outcome, before: Use, after: Use) -> dict[str, object]:
    kinds: dict[str, Counter[str]] = {}
    for (kind, answer), count in sorted(outcome.answers.items()):
        kinds.setdefault(kind, Counter())[answer] += count
    return {
        "malformed": outcome.answers.total(),
        "answered right": outcome.answers.total() - len(outcome.wrong),
        "good in between": outcome.good.answered,
        "memory MB": (before.memory >> 20, after.memory >> 20),
        "memory ratio": round(after.memory / before.memory, 3),
        "threads": (before.threads, after.threads),
        "descriptors": (before.descriptors, after.descriptors),
        "answers": {kind: dict(answers) for kind, answers in kinds.items()},
    }
