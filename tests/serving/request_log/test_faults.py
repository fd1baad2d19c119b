"""Disks that are full or away, and processes that are killed."""

import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rankbeam.serving.request_log import log as log_module
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.settings.logging import LoggingSettings
from tests.disks import resize, small_disk
from tests.serving.request_log.logging_kit import Counter, id_of, offer, partials_of, records_of
from tests.serving.waiting import wait_until

_KILOBYTE = (b"x" * 1_000,)


@pytest.fixture(autouse=True)
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_TICK_S", 0.02)


def test_full_disk_loses_only_what_does_not_fit_in_the_queue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    with small_disk(tmp_path / "disk", "256k") as disk, caplog.at_level(logging.WARNING):
        log = RequestLog("ranker", LoggingSettings(disk / "log", max_queued=100), counter)
        offered = 0
        # The queue may overflow before the disk does: wait for the disk, too.
        while counter.dropped < 1_000 or "cannot write" not in caplog.text:
            offer(log, f"r{offered}", _KILOBYTE)
            offered += 1
        time.sleep(0.2)  # several tries on the full disk
        assert len([r for r in caplog.records if "cannot write" in r.message]) == 1
        resize(disk, "4m")
        wait_until(lambda: "writing again" in caplog.text and log._queue.empty())
        for number in range(offered, offered + 50):
            offer(log, f"r{number}", _KILOBYTE)
        log.close()
        ids = [id_of(record) for record in records_of(disk / "log")]
        assert counter.written == len(ids) == len(set(ids))
        assert counter.written + counter.dropped == offered + 50
        assert f"r{offered + 49}" in ids
        assert partials_of(disk / "log") == []
    assert len(caplog.records) <= 5, caplog.text


def test_full_disk_that_stays_full_ends_with_whole_records(tmp_path: Path) -> None:
    counter = Counter()
    with small_disk(tmp_path / "disk", "128k") as disk:
        log = RequestLog("ranker", LoggingSettings(disk, max_queued=10), counter)
        offered = 0
        while offered < 50:
            offer(log, f"r{offered}", _KILOBYTE)
            offered += 1
            wait_until(log._queue.empty)
        while counter.dropped < 100:
            offer(log, f"r{offered}", _KILOBYTE)
            offered += 1
        log.close()
        left = partials_of(disk)
        if left:  # the span's folder did not fit either
            resize(disk, "1m")
            RequestLog("ranker", LoggingSettings(disk), counter).close()
        ids = [id_of(record) for record in records_of(disk)]
        assert ids[:50] == [f"r{number}" for number in range(50)]
        assert counter.written == len(ids)
        assert counter.written + counter.dropped == offered


def test_folder_that_vanishes_comes_back(tmp_path: Path) -> None:
    counter = Counter()
    log = RequestLog("ranker", LoggingSettings(tmp_path / "log"), counter)
    offer(log, "a")
    wait_until(lambda: bool(partials_of(tmp_path / "log")))
    wait_until(lambda: partials_of(tmp_path / "log")[0].stat().st_size > 0)
    shutil.rmtree(tmp_path / "log")
    wait_until(lambda: counter.dropped == 1)
    offer(log, "b")
    log.close()
    assert [id_of(record) for record in records_of(tmp_path / "log")] == ["b"]
    assert (counter.written, counter.dropped) == (1, 1)


def _offer_until_taken(log: RequestLog, counter: Counter, request_id: str) -> int:
    """Offers until it is queued, for the queue may still be full; returns the drops by then."""
    dropped = -1
    while dropped != counter.dropped:
        dropped = counter.dropped
        offer(log, request_id)
    return dropped


def test_folder_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    counter = Counter()
    (tmp_path / "log").write_text("a file in the way")
    log = RequestLog("ranker", LoggingSettings(tmp_path / "log", max_queued=5), counter)
    while counter.dropped < 10:
        offer(log, "early")
    (tmp_path / "log").unlink()
    wait_until(lambda: bool(partials_of(tmp_path / "log")))
    dropped = _offer_until_taken(log, counter, "late")
    log.close()
    ids = [id_of(record) for record in records_of(tmp_path / "log")]
    assert ids[-1] == "late"
    assert counter.written == len(ids)
    assert counter.dropped == dropped


_LIVES = 60
_WRITERS = """
import os, random, signal, sys, time
from pathlib import Path
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.settings.logging import LoggingSettings
from tests.serving.request_log.logging_kit import Counter, offer

settings = LoggingSettings(Path(sys.argv[1]), rotate_bytes=3_000_000, max_queued=200)
generator = random.Random(0)

def live(life):
    log, number = RequestLog("ranker", settings, Counter()), 0
    while True:
        offer(log, f"{life}-{number}", (b"x" * (number * 7919 % 20_000),))
        number += 1

for life in range(int(sys.argv[2])):
    child = os.fork()
    if not child:
        live(life)
    while not any(f"-{child}-" in path.name for path in settings.folder.glob(".*.partial")):
        time.sleep(0.001)
    time.sleep(generator.uniform(0.0, 0.2))
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    print(len(list(settings.folder.glob(".*.partial"))), flush=True)
"""


@pytest.mark.slow
def test_killed_writers_leave_no_torn_record(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _WRITERS, str(tmp_path), str(_LIVES)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    left = [int(line) for line in done.stdout.split()]
    assert len(left) == _LIVES
    # Each life finishes what the one before it left before it begins its own.
    assert max(left) == 1
    assert sum(left) > _LIVES / 4
    finished = len(records_of(tmp_path))  # TensorFlow raises on a torn one
    counter = Counter()
    RequestLog("ranker", LoggingSettings(tmp_path), counter).close()
    assert partials_of(tmp_path) == []
    ids = [id_of(record) for record in records_of(tmp_path)]
    assert len(ids) == len(set(ids)) == finished + counter.written
    assert counter.dropped <= left[-1]
    assert len({name.split("-")[0] for name in ids}) > _LIVES / 2
