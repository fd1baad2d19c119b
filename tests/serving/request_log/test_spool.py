"""Files by day, size and age, with times that the tests choose."""

import os
import shutil
from collections import deque
from pathlib import Path

import pytest

from rankbeam.serving.request_log.frames import frame
from rankbeam.serving.request_log.log_file import LogFile
from rankbeam.serving.request_log.names import new_paths, partial_files, span_of, stem_of
from rankbeam.serving.request_log.record import now_us
from rankbeam.serving.request_log.recovery import Recovered, recover
from rankbeam.serving.request_log.spool import Entry, Spool
from rankbeam.serving.settings.logging import LoggingSettings
from tests.serving.request_log.logging_kit import partials_of

_DAY_US = 86_400_000_000
_MIDNIGHT_US = 20_119 * _DAY_US  # 2025-01-31 00:00 UTC


class _Kept:
    """A spool with a clock that the test sets, and what it says."""

    def __init__(self, folder: Path, **settings: float) -> None:
        self.now = 0.0
        self.written: list[int] = []
        self.lost: list[int] = []
        self.spool = Spool(
            LoggingSettings(folder, **settings),  # type: ignore[arg-type]
            "m",
            on_written=self.written.append,
            on_lost=self.lost.append,
            clock=lambda: self.now,
        )

    def write(self, *times_us: int) -> None:
        entries = deque(Entry(time_us, frame(b"%d" % time_us)) for time_us in times_us)
        self.spool.write(entries)
        assert not entries


def _spans(folder: Path) -> dict[str, int]:
    return {
        span.name: len(list(span.iterdir())) for span in sorted(folder.iterdir()) if span.is_dir()
    }


def test_span_is_the_utc_day() -> None:
    assert span_of(_MIDNIGHT_US - 1) == "20250130"
    assert span_of(_MIDNIGHT_US) == "20250131"


def test_spool_puts_records_into_the_span_of_their_own_time(tmp_path: Path) -> None:
    kept = _Kept(tmp_path)
    kept.write(_MIDNIGHT_US - 2, _MIDNIGHT_US - 1, _MIDNIGHT_US, _MIDNIGHT_US - 1)
    kept.spool.finish()
    assert _spans(tmp_path) == {"20250130": 2, "20250131": 1}
    assert kept.written == [2, 1, 1]


def test_spool_finishes_a_file_when_its_day_is_over(tmp_path: Path) -> None:
    kept = _Kept(tmp_path)
    kept.write(_MIDNIGHT_US)  # years ago
    kept.spool.rotate_if_due()
    assert kept.written == [1]


def test_spool_finishes_a_file_at_its_age(tmp_path: Path) -> None:
    kept = _Kept(tmp_path, rotate_s=60.0)
    kept.write(now_us())
    kept.now = 59.9
    kept.spool.rotate_if_due()
    assert kept.written == []
    kept.now = 60.0
    kept.spool.rotate_if_due()
    assert kept.written == [1]


def test_spool_counts_what_was_in_a_file_that_somebody_removed(tmp_path: Path) -> None:
    kept = _Kept(tmp_path / "log")
    kept.write(now_us(), now_us())
    shutil.rmtree(tmp_path / "log")
    kept.write(now_us())
    kept.spool.finish()
    assert (kept.lost, kept.written) == ([2], [1])
    assert sum(_spans(tmp_path / "log").values()) == 1


def test_spool_counts_what_was_in_a_folder_that_was_moved(tmp_path: Path) -> None:
    kept = _Kept(tmp_path / "log")
    kept.write(now_us())
    (tmp_path / "log").rename(tmp_path / "old")
    kept.spool.finish()
    assert (kept.lost, kept.written) == ([1], [])


def test_recovery_keeps_whole_records_and_cuts_the_torn_one(tmp_path: Path) -> None:
    whole = frame(b"one") + frame(b"two")
    for tail, torn in ((b"", 0), (frame(b"three")[:-1], 1), (b"\0" * 100, 1)):
        folder = tmp_path / str(len(tail))
        folder.mkdir()
        paths = new_paths(folder, "m", _MIDNIGHT_US)
        paths.partial.write_bytes(whole + tail)
        assert recover(folder, "m") == Recovered(files=1, records=2, torn=torn)
        assert paths.finished.read_bytes() == whole
        assert paths.finished.parent.name == "20250131"
        assert partials_of(folder) == []
        assert recover(folder, "m") == Recovered()


def test_recovery_removes_a_file_without_a_whole_record(tmp_path: Path) -> None:
    for content in (b"", frame(b"x")[:5]):
        paths = new_paths(tmp_path, "m", _MIDNIGHT_US)
        paths.partial.write_bytes(content)
    assert recover(tmp_path, "m") == Recovered(files=2, records=0, torn=1)
    assert list(tmp_path.iterdir()) == []


def test_recovery_leaves_living_writers_and_other_models_alone(tmp_path: Path) -> None:
    living = LogFile(new_paths(tmp_path, "m", _MIDNIGHT_US))
    living.append([frame(b"one")])
    other = new_paths(tmp_path, "m-2", _MIDNIGHT_US).partial
    other.write_bytes(frame(b"one"))
    (tmp_path / ".m-notes.tfrecord.partial").write_bytes(b"somebody's")
    assert recover(tmp_path, "m") == Recovered()
    living.append([frame(b"two")])
    living.publish()
    assert living.paths.finished.read_bytes() == frame(b"one") + frame(b"two")
    assert len(partials_of(tmp_path)) == 2


def test_recovery_of_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path / "gone", "m") == Recovered()


@pytest.mark.parametrize(
    "model", ["ranker", "a/b", "_hidden", ".dot", "日本", "a-20250131T000000Z"]
)
def test_names_of_any_model_are_found_again(tmp_path: Path, model: str) -> None:
    paths = new_paths(tmp_path, stem_of(model), _MIDNIGHT_US)
    paths.partial.write_bytes(b"")
    assert partial_files(tmp_path, stem_of(model)) == [paths]
    assert partial_files(tmp_path, stem_of("a")) == []
    assert not paths.finished.name.startswith((".", "_"))
    assert os.path.basename(paths.partial).startswith(".")


def test_names_never_repeat(tmp_path: Path) -> None:
    names = {new_paths(tmp_path, "m", _MIDNIGHT_US).finished for _ in range(1_000)}
    assert len(names) == 1_000
