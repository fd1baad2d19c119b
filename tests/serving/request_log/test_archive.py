"""Finished files on their way to the archive: all arrive, whole, whatever fails in between."""

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
from tests.serving.request_log.logging_kit import Counter, Model, id_of, offer, records_of
from tests.serving.waiting import wait_until

_NAME = "m-20250131T101500Z-host-1-0123abcd-{:06d}.tfrecord"


class _Place:
    """A place that is away until it is said to be there.

    Attributes:
        away: whether it fails.
        tries: how often a file was brought.
    """

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.tries = 0

    def put(self, source: Path, place: str) -> None:
        """Copies, or fails."""
        self.tries += 1
        if self.away:
            raise OSError("the place is away")
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


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


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
    assert _contents(to) == moved
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
    assert len(_contents(to)) == 2
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
    assert _contents(to) == {f"20250131/{file.name}": b"kept"}


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
    hung.set()
    log.join_archive()
    assert len(records_of(tmp_path / "to")) == 20


def test_archive_leaves_a_file_that_another_server_is_moving(tmp_path: Path) -> None:
    log, to = tmp_path / "log", tmp_path / "to"
    theirs, ours = _finished(log, 0), _finished(log, 1)
    with theirs.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with _archive(log, to):
            pass
    assert theirs.exists()
    assert _contents(to) == {f"20250131/{ours.name}": b"x"}


def test_archive_goes_on_behind_what_cannot_be_opened(tmp_path: Path) -> None:
    log, to, counter = tmp_path / "log", tmp_path / "to", Counter()
    closed, good = log / "20250131" / _NAME.format(0), _finished(log, 1)
    closed.mkdir()
    with _archive(log, to, counter=counter):
        pass
    assert list(_contents(to)) == [f"20250131/{good.name}"]
    assert closed.exists()
    assert counter.failures >= 1


def test_copy_appears_whole_and_takes_the_halves_of_killed_ones_away(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "to" / "20250131" / "a"
    source.write_bytes(b"new")
    target.parent.mkdir(parents=True)
    half = target.with_name(".a.0123abcd.partial")
    half.write_bytes(b"n")
    target.write_bytes(b"old")
    copy_locally(source, str(target))
    assert _contents(tmp_path / "to") == {"20250131/a": b"new"}


def test_copy_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "to" / "a"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        copy_locally(tmp_path / "nowhere", str(target))
    assert _contents(tmp_path) == {}


def test_copy_to_itself_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    file = _finished(log, 0, b"kept")
    (tmp_path / "link").symlink_to(log)
    with pytest.raises(OSError, match="must not be the log's own folder"):
        copy_locally(file, str(tmp_path / "link" / "20250131" / file.name))
    assert file.read_bytes() == b"kept"


def test_finished_files_of_a_model_are_not_those_of_one_that_is_named_like_it(
    tmp_path: Path,
) -> None:
    mine = _finished(tmp_path, 0)
    longer = "m-20250131T000000Z"
    theirs = _finished(
        tmp_path, 1, name=f"{longer}-20250131T101500Z-host-1-0123abcd-000001.tfrecord"
    )
    assert finished_of(tmp_path, "m") == [mine]
    assert finished_of(tmp_path, longer) == [theirs]
    assert finished_of(tmp_path / "nowhere", "m") == []
