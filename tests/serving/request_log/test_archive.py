"""Finished files on their way to the archive: all arrive, whole, whatever fails in between."""

import errno
import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rankbeam.serving.request_log import archive as archive_module
from rankbeam.serving.request_log.archive import Archive, copy_locally
from rankbeam.serving.request_log.log import RequestLog
from rankbeam.serving.request_log.logs import RequestLogs
from rankbeam.serving.request_log.names import finished_of
from rankbeam.serving.settings.logging import ArchiveSettings, LoggingSettings
from tests.serving.request_log.logging_kit import (
    Counter,
    Model,
    contents_of,
    id_of,
    offer,
    records_of,
)
from tests.serving.waiting import wait_until

_NAME = "m-20250131T101500Z-host-1-0123abcd-{:06d}.tfrecord"


class _Place:
    """A place that is away until it is said to be there.

    Attributes:
        away: whether it fails.
        refused: a file that it never takes.
        tries: how often a file was brought.
    """

    def __init__(self, away: bool = False, refused: Path | None = None) -> None:
        self.away = away
        self.refused = refused
        self.tries = 0

    def put(self, source: Path, place: str) -> None:
        """Copies, or fails."""
        self.tries += 1
        if self.away:
            raise OSError("the place is away")
        if source == self.refused:
            raise PermissionError("the place takes no such file")
        copy_locally(source, place)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_pause_s", lambda failures: 0.01)


def _finished(folder: Path, number: int, content: bytes = b"x", name: str = _NAME) -> Path:
    file = folder / "20250131" / name.format(number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@contextmanager
def _archive(
    folder: Path, to: Path, place: _Place | None = None, counter: Counter | None = None
) -> Iterator[Archive]:
    settings = ArchiveSettings(f"{to}/", (place or _Place()).put)
    archive = Archive("m", folder, "m", settings, counter or Counter())
    try:
        yield archive
    finally:
        archive.end()
        archive.join()


def test_archive_moves_what_a_dead_server_left_and_nothing_else(tmp_path: Path) -> None:
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    for number in range(3):
        _finished(log, number, bytes([number]) * 3_000_000)
    other = _finished(log, 0, name=f"other-{_NAME}")
    partial = log / f".{_NAME.format(9)}.partial"
    partial.touch()
    (log / "20250131" / "notes.txt").touch()
    with _archive(log, to, counter=counter):
        pass
    moved = {f"20250131/{_NAME.format(n)}": bytes([n]) * 3_000_000 for n in range(3)}
    assert contents_of(to) == moved
    assert {path.name for path in log.rglob("*") if path.is_file()} == {
        *(other.name, partial.name, "notes.txt")
    }
    assert (counter.archived, counter.failures, counter.unarchived) == (3, 0, 0)


def test_archive_moves_each_file_of_a_log_when_it_is_finished(tmp_path: Path) -> None:
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    archive = ArchiveSettings(str(to), copy_locally)
    logs = RequestLogs(counter)
    settings = LoggingSettings(log, rotate_bytes=1, archive=archive)
    logs.update([Model("ranker", settings)])
    for number in range(5):
        offer(logs["ranker"], f"r{number}")
    wait_until(lambda: counter.archived == 5)
    offer(logs["ranker"], "r5")
    logs.close()
    logs.join_archives()
    assert [id_of(record) for record in records_of(to)] == [f"r{number}" for number in range(6)]
    assert records_of(log) == []
    assert (counter.written, counter.dropped, counter.archived) == (6, 0, 6)


def test_archive_that_is_away_gets_all_once_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, to, counter, place = tmp_path / "log", tmp_path / "to", Counter(), _Place(away=True)
    _finished(log, 0)
    with caplog.at_level(logging.WARNING), _archive(log, to, place, counter) as archive:
        wait_until(lambda: place.tries >= 3)
        _finished(log, 1)
        archive.wake()
        wait_until(lambda: counter.unarchived == 2)
        assert not to.exists()
        place.away = False
        wait_until(lambda: counter.archived == 2)
    assert len(contents_of(to)) == 2
    assert counter.failures >= 3
    assert [record.getMessage() for record in caplog.records] == [
        f"request log of m: cannot move finished files to {to}/, will try again; the place is away",
        "request log of m: moving finished files again",
    ]


def test_archive_that_stays_away_keeps_the_files_for_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, to = tmp_path / "log", tmp_path / "to"
    file = _finished(log, 0, b"kept")
    with caplog.at_level(logging.ERROR), _archive(log, to, _Place(away=True)):
        pass
    assert file.read_bytes() == b"kept"
    assert caplog.records[-1].getMessage() == (
        f"request log of m: finished files are left in {log}; the next start moves them to {to}/"
    )
    with _archive(log, to):
        pass
    assert contents_of(to) == {f"20250131/{file.name}": b"kept"}


def test_archive_that_never_answers_holds_up_neither_the_log_nor_its_end(tmp_path: Path) -> None:
    hung, counter = threading.Event(), Counter()

    def put(source: Path, place: str) -> None:
        hung.wait()
        copy_locally(source, place)

    archive = ArchiveSettings(str(tmp_path / "to"), put)
    log = RequestLog(
        "m", LoggingSettings(tmp_path / "log", rotate_bytes=1, archive=archive), counter
    )
    for number in range(20):
        offer(log, f"r{number}")
    log.close()  # returns
    assert counter.written == 20
    assert counter.archived == 0
    assert counter.unarchived == len(finished_of(tmp_path / "log", "m")) > 1
    hung.set()
    log.join_archive()
    assert len(records_of(tmp_path / "to")) == 20
    assert counter.unarchived == 0


def test_archive_leaves_a_file_that_another_server_is_moving(tmp_path: Path) -> None:
    log, to = tmp_path / "log", tmp_path / "to"
    theirs, ours = _finished(log, 0), _finished(log, 1)
    with theirs.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with _archive(log, to):
            pass
    assert theirs.exists()
    assert contents_of(to) == {f"20250131/{ours.name}": b"x"}


def test_archive_goes_on_behind_what_cannot_be_opened(tmp_path: Path) -> None:
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    closed, good = log / "20250131" / _NAME.format(0), _finished(log, 1)
    closed.mkdir()
    with _archive(log, to, counter=counter):
        pass
    assert list(contents_of(to)) == [f"20250131/{good.name}"]
    assert closed.exists()
    assert counter.failures >= 1


def test_archive_goes_on_behind_a_file_that_the_place_never_takes(tmp_path: Path) -> None:
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    files = [_finished(log, number) for number in range(5)]
    place = _Place(refused=files[1])
    with _archive(log, to, place, counter) as archive:
        wait_until(lambda: counter.archived == 4)
        late = _finished(log, 5)
        archive.wake()
        wait_until(lambda: counter.archived == 5)
    assert finished_of(log, "m") == [files[1]]
    moved = [files[0], *files[2:], late]
    assert finished_of(to, "m") == [to / "20250131" / file.name for file in moved]
    assert counter.unarchived == 1


def test_archive_that_is_away_is_asked_for_one_file_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []

    def pause_s(failures: int) -> float:
        passes.append(failures)
        return 0.01

    monkeypatch.setattr(archive_module, "_pause_s", pause_s)
    log, place, counter = tmp_path / "log", _Place(away=True), Counter()
    for number in range(5):
        _finished(log, number)
    with _archive(log, tmp_path / "to", place, counter):
        wait_until(lambda: place.tries >= 7)  # more than once around
    assert counter.failures == place.tries == len(passes) + 1  # none after the last
    assert counter.unarchived == 5


def test_archive_counts_what_was_left_before_it_moves_any(tmp_path: Path) -> None:
    counter = Counter()
    seen: list[int | None] = []
    for number in range(3):
        _finished(tmp_path, number)
    settings = ArchiveSettings("to", lambda source, place: seen.append(counter.unarchived))
    archive = Archive("m", tmp_path, "m", settings, counter)
    archive.end()
    archive.join()
    assert (seen, counter.unarchived) == ([3, 3, 3], 0)


def test_archive_tells_of_no_change_where_the_folder_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, stem: str) -> list[Path]:
        raise OSError(errno.EIO, "the disk fails")

    log, place, counter = tmp_path / "log", _Place(away=True), Counter()
    _finished(log, 0)
    with _archive(log, tmp_path / "to", place, counter) as archive:
        wait_until(lambda: counter.unarchived == 1)
        with monkeypatch.context() as patch:
            patch.setattr(archive_module, "finished_of", fail)
            tries, failures = place.tries, counter.failures
            wait_until(lambda: counter.failures >= failures + 3)
            archive.wake()
            assert place.tries <= tries + 1
            assert counter.unarchived == 1
        place.away = False
        wait_until(lambda: counter.archived == 1)


def test_copy_is_there_where_a_folder_cannot_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(errno.EINVAL, "no fsync on a folder")

    monkeypatch.setattr(archive_module, "sync_folder", refuse)
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    file = _finished(log, 0, b"all")
    with _archive(log, to, counter=counter):
        pass
    assert contents_of(to) == {f"20250131/{file.name}": b"all"}
    assert not file.exists()
    assert counter.failures == 0
