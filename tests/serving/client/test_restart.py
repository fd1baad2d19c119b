"""A server process that is killed and comes back, under load from several threads."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rankbeam.serving.client import Fallback, RankClient, Ranking, RankOptions, RetryPolicy
from tests.serving.waiting import NAME, wait_available

ROWS = [{"price": 0.1 * n, "popularity": n % 4} for n in range(12)]
BY_SCORE = list(range(11, -1, -1))
BY_POPULARITY = [3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8]


def _start(port: int, base_path: Path) -> "subprocess.Popen[bytes]":
    module = [sys.executable, "-m", "rankbeam.serving.server_main"]
    flags = [f"--port={port}", f"--model_name={NAME}", f"--model_base_path={base_path}"]
    return subprocess.Popen([*module, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_rank_through_sigkill_and_restart_is_right_or_a_marked_fallback(
    base_path: Path, free_port: int
) -> None:
    target = f"127.0.0.1:{free_port}"
    retry = RetryPolicy(max_attempts=3, initial_backoff_s=0.01, max_backoff_s=0.05)
    options = RankOptions(
        timeout_s=2.0,
        retry=retry,
        fallback=Fallback("popularity"),
        max_candidates_per_request=5,
    )
    rankings: list[Ranking] = []
    ending = threading.Event()

    def load(client: RankClient) -> None:
        while not ending.is_set():
            rankings.append(client.rank({"user": "ada"}, ROWS, score="click"))

    server = _start(free_port, base_path)
    try:
        wait_available(target, timeout_s=120.0)
        with RankClient(target, NAME, options) as client:
            threads = [threading.Thread(target=load, args=(client,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = _start(free_port, base_path)
            wait_available(target, timeout_s=120.0)
            time.sleep(0.5)
            ending.set()
            for thread in threads:
                thread.join()
            last = client.rank({"user": "ada"}, ROWS, score="click")
    finally:
        ending.set()
        server.kill()
        server.wait()
    assert not last.fallback
    assert {ranking.fallback for ranking in rankings} == {False, True}
    for ranking in rankings:
        order = BY_POPULARITY if ranking.fallback else BY_SCORE
        assert [each.index for each in ranking] == order
        assert (ranking.reason is not None) == ranking.fallback
