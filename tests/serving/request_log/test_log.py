"""The log as a server uses it: offered, written, rotated, counted."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rankbeam.serving.request_log import log as log_module
from rankbeam.serving.request_log.frames import frame
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.request_log.logs import request_logs
from rankbeam.serving.request_log.reader import finished_files, read_records
from rankbeam.serving.request_log.record import Answered
from rankbeam.serving.settings.logging import LoggingSettings
from tests.serving.request_log.inferences import INFERENCES
from tests.serving.request_log.logging_kit import (
    Asker,
    Counter,
    Model,
    id_of,
    offer,
    partials_of,
    records_of,
    request_of,
    response_of,
)
from tests.serving.waiting import wait_until


@contextmanager
def _log(folder: Path, counter: Counter, **settings: object) -> Iterator[RequestLog]:
    log = RequestLog("ranker", LoggingSettings(folder, **settings), counter)  # type: ignore[arg-type]
    try:
        yield log
    finally:
        log.close()


def test_log_writes_what_is_offered_in_order(tmp_path: Path) -> None:
    counter = Counter()
    before = time.time_ns() // 1000
    with _log(tmp_path, counter) as log:
        for number in range(500):
            offer(log, f"r{number}")
    after = time.time_ns() // 1000
    records = records_of(tmp_path)
    assert [id_of(record) for record in records] == [f"r{number}" for number in range(500)]
    stamps = [
        record.predict_log.response.outputs["rankbeam/timestamp_us"].int64_val[0]
        for record in records
    ]
    assert before <= stamps[0]
    assert stamps == sorted(stamps)
    assert stamps[-1] <= after
    assert (counter.written, counter.dropped) == (500, 0)
    assert partials_of(tmp_path) == []


def test_log_names_a_file_for_its_model_day_and_process(tmp_path: Path) -> None:
    before = time.strftime("%Y%m%d", time.gmtime())
    with _log(tmp_path, Counter(), prefix="_a/b") as log:
        offer(log, "r")
    after = time.strftime("%Y%m%d", time.gmtime())
    [file] = tmp_path.glob("*/*")
    assert file.parent.name in {before, after}
    assert file.name.startswith(f"%5Fa%2Fb-ranker-{file.parent.name}T")
    assert file.name.endswith("-000000.tfrecord") or file.name[-15:-9].isdigit()


def test_log_keeps_the_sampled_and_only_them(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter, sampling_rate=0.3, max_queued=5_000) as log:
        for number in range(2_000):
            offer(log, f"r{number}")
            offer(log, f"r{number}")  # a retry
    ids = [id_of(record) for record in records_of(tmp_path)]
    assert counter.written == len(ids)
    assert counter.dropped == 0
    assert ids[::2] == ids[1::2]
    assert 500 < len(set(ids)) < 700
    rates = {r.log_metadata.sampling_config.sampling_rate for r in records_of(tmp_path)}
    assert rates == {0.3}


def test_log_rotates_by_size(tmp_path: Path) -> None:
    with _log(tmp_path, Counter(), rotate_bytes=2_000) as log:
        for number in range(100):
            offer(log, f"r{number}")
    sizes = [file.stat().st_size for file in sorted(tmp_path.glob("*/*.tfrecord"))]
    one = sum(sizes) // 100
    assert len(sizes) > 5
    assert all(2_000 <= size < 2_000 + 2 * one for size in sizes[:-1])
    assert [id_of(r) for r in records_of(tmp_path)] == [f"r{number}" for number in range(100)]


def test_log_rotates_by_age_without_further_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "_TICK_S", 0.02)
    counter = Counter()
    with _log(tmp_path, counter, rotate_s=0.1) as log:
        offer(log, "r")
        wait_until(lambda: counter.written == 1)
        assert [id_of(record) for record in records_of(tmp_path)] == ["r"]
        assert partials_of(tmp_path) == []


def test_log_counts_every_overflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter()
    held = threading.Event()

    def slow(content: bytes) -> bytes:
        held.wait()
        return frame(content)

    monkeypatch.setattr(log_module, "frame", slow)
    with _log(tmp_path, counter, max_queued=10) as log:
        for number in range(200):
            offer(log, f"r{number}")
        # The thread holds at most one; the queue holds ten.
        assert 189 <= counter.dropped <= 190
        held.set()
    assert counter.written + counter.dropped == 200
    assert len(records_of(tmp_path)) == counter.written


def test_log_bounds_what_waits_in_bytes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter()
    held = threading.Event()

    def slow(content: bytes) -> bytes:
        held.wait()
        return frame(content)

    monkeypatch.setattr(log_module, "frame", slow)
    large = (b"x" * 10_000,)
    with _log(tmp_path, counter, max_queued_bytes=105_000) as log:
        for number in range(50):
            offer(log, f"large{number}", large)
        assert counter.dropped == 40  # ten of 10 kB and a little wait
        offer(log, "small")
        assert counter.dropped == 40
        offer(log, "huge", (b"x" * 200_000,))
        assert counter.dropped == 41
        held.set()
        wait_until(lambda: log._queued_bytes == 0)
        offer(log, "after", large)
    ids = [id_of(record) for record in records_of(tmp_path)]
    assert ids == [*(f"large{number}" for number in range(10)), "small", "after"]
    assert (counter.written, counter.dropped) == (12, 41)


def test_log_gives_all_room_back(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter, max_queued_bytes=2_000) as log:
        for number in range(3_000):
            offer(log, f"r{number}")
            if number % 10 == 0:
                log.offer(
                    request=request_of([b"x"]),
                    response=request_of([b"no answer"]),
                    call=Asker("odd"),
                    transform_hash="",
                )
        wait_until(log._queue.empty)
        wait_until(lambda: log._queued_bytes == 0)
    assert counter.written + counter.dropped == 3_300
    assert counter.dropped >= 300


def test_log_counts_under_many_threads(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter, max_queued=50, rotate_bytes=20_000) as log:
        threads = [
            threading.Thread(target=_offer_many, args=(log, f"{at}-", 1_000)) for at in range(8)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        log.close()  # offers go on while it closes, and after
        for thread in threads:
            thread.join()
    ids = [id_of(record) for record in records_of(tmp_path)]
    assert counter.written == len(ids) == len(set(ids))
    assert counter.written + counter.dropped == 8_000


def _offer_many(log: RequestLog, prefix: str, count: int) -> None:
    for number in range(count):
        offer(log, f"{prefix}{number}")


def test_log_drops_and_counts_after_close(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter) as log:
        offer(log, "a")
    offer(log, "b")
    log.close()
    assert (counter.written, counter.dropped) == (1, 1)


def test_log_survives_what_cannot_be_serialised(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter) as log:
        offer(log, "a")
        log.offer(
            request="no proto",  # type: ignore[arg-type]
            response=response_of({}),
            call=Asker("b"),
            transform_hash="",
        )
        log.offer(
            request=request_of([b"x"]),
            response=response_of({}),
            call=None,  # type: ignore[arg-type]  # no id
            transform_hash="",
        )
        offer(log, "c")
    assert [id_of(record) for record in records_of(tmp_path)] == ["a", "c"]
    assert (counter.written, counter.dropped) == (2, 2)


def test_log_does_not_hold_requests_after_they_are_written(tmp_path: Path) -> None:
    with _log(tmp_path, Counter()) as log:
        for number in range(100):
            offer(log, f"r{number}")
        wait_until(lambda: bool(partials_of(tmp_path)) and log._queue.empty())
        wait_until(_nothing_answered)


def test_log_takes_all_kinds_of_inference(tmp_path: Path) -> None:
    counter = Counter()
    with _log(tmp_path, counter) as log:
        for number, (request, response) in enumerate(INFERENCES):
            log.offer(
                request=request, response=response, call=Asker(f"r{number}"), transform_hash="ab"
            )
    found = list(read_records(finished_files(tmp_path)))
    assert [record.request_id for record in found] == ["r0", "r1", "r2"]
    assert [(record.request, record.response) for record in found] == list(INFERENCES)  # type: ignore[union-attr]
    assert (counter.written, counter.dropped) == (3, 0)


def _nothing_answered() -> bool:
    gc.collect()
    held = sum(isinstance(thing, Answered) for thing in gc.get_objects())
    return held <= 1  # the last one may still be a local of the waiting thread


def test_logs_are_one_for_each_model_that_has_settings(tmp_path: Path) -> None:
    counter = Counter()
    a, b = LoggingSettings(tmp_path / "a"), LoggingSettings(tmp_path / "b")
    logs = request_logs([Model("a", a), Model("b", b), Model("c", None)], counter)
    assert sorted(logs) == ["a", "b"]
    first_a, first_b = logs["a"], logs["b"]
    offer(first_b, "1")
    logs.update([Model("a", a), Model("b", LoggingSettings(tmp_path / "b", sampling_rate=0.0))])
    assert logs["a"] is first_a
    assert logs["b"] is not first_b
    assert [id_of(record) for record in records_of(tmp_path / "b")] == ["1"]
    offer(logs["b"], "2")
    offer(logs["a"], "3")
    logs.close()
    assert len(logs) == 0
    assert [id_of(record) for record in records_of(tmp_path / "a")] == ["3"]
    assert (counter.written, counter.dropped) == (2, 0)
