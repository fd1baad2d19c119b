"""100,000 requests that are wrong in every way, while right ones go on being answered."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.serving.reliability import attack, malformed_grpc, malformed_http, malformed_raw, slow
from tests.serving.reliability.attack import Attack, Outcome
from tests.serving.reliability.cases import Case
from tests.serving.reliability.pushing import push
from tests.serving.reliability.questions import question
from tests.serving.reliability.servers import Server, serving
from tests.serving.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSES = 2
OVER_GRPC, OVERSIZED, OVER_REST, CLOSING, GARBAGE, SLOW = 54_000, 200, 36_000, 6_000, 3_500, 300
WARM_UP = 0.06
MEMORY_GROWTH = 1.1
LATE_THREADS = 8  # of pools that start a thread only when all others are busy
MOST_BYTES = 1 << 20
FLAGS = (f"--grpc_channel_arguments=grpc.max_receive_message_length={MOST_BYTES}",)


def _cases(seed: int, share: float) -> list[Case]:
    """That share of all cases but the slow ones, in random order."""
    found: list[Case] = [
        *malformed_grpc.cases(seed, int(OVER_GRPC * share), int(OVERSIZED * share)),
        *malformed_http.cases(seed, int(OVER_REST * share), int(CLOSING * share)),
        *malformed_raw.cases(seed, int(GARBAGE * share)),
    ]
    random.Random(seed).shuffle(found)
    return found


def _send(pool: ProcessPoolExecutor, server: Server, cases: Sequence[Case]) -> Outcome:
    asked = question(server)
    parts = [Attack(asked, cases[index::PROCESSES]) for index in range(PROCESSES)]
    outcome = Outcome()
    for part in pool.map(attack.run, parts):
        outcome.add(part)
    return outcome


def _attack(tmp_path: Path, server: Server, pool: ProcessPoolExecutor) -> Outcome:
    """All 100,000, the slow ones beside the others."""
    stop = tmp_path / "stop"
    asked = question(server)
    late = pool.submit(slow.run, slow.Slow(server.rest_port, server.port, SLOW, asked.path, stop))
    outcome = _send(pool, server, _cases(seed=2, share=1.0))
    stop.touch()
    outcome.add(late.result())
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
        warm = _send(pool, server, _cases(seed=1, share=WARM_UP))
        idle = server.descriptors()  # with what the pools of threads have opened
        before = (server.memory(), server.threads())
        outcome = _attack(tmp_path, server, pool)
        counts = _counts(outcome, before, (server.memory(), server.threads()))
        print(counts, outcome.wrong[:20], sep="\n")
        wait_until(lambda: server.descriptors() <= idle)
        after = (server.memory(), server.threads())
        assert server.terminate() == 0
    record_property("malformed", counts)
    assert (warm.wrong, outcome.wrong) == ([], [])
    assert outcome.answers.total() == 100_000
    good = outcome.good
    assert (good.failed, good.wrong, good.shown) == (0, 0, [])
    assert good.answered >= 1_000
    assert after[0] <= MEMORY_GROWTH * before[0]
    assert after[1] <= before[1] + LATE_THREADS
    assert "Traceback" not in log.read_text(errors="replace")


def _counts(outcome: Outcome, before: tuple[int, int], after: tuple[int, int]) -> dict[str, object]:
    kinds: dict[str, Counter[str]] = {}
    for (kind, answer), count in sorted(outcome.answers.items()):
        kinds.setdefault(kind, Counter())[answer] += count
    return {
        "malformed": outcome.answers.total(),
        "answered right": outcome.answers.total() - len(outcome.wrong),
        "good in between": outcome.good.answered,
        "memory MB": (before[0] >> 20, after[0] >> 20),
        "threads": (before[1], after[1]),
        "answers": {kind: dict(answers) for kind, answers in kinds.items()},
    }
