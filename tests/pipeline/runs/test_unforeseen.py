"""What a user is told of errors that nobody raised on purpose."""

import errno
import re
from pathlib import Path

import pytest

from rankbeam.pipeline.runs.unforeseen import readable
from rankbeam.transform.errors import DataError, EnvironmentFault, RankbeamError


def _wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("wrapped [while running 'Write']") from cause
    except RuntimeError as outer:
        return outer


def test_readable_finds_the_deliberate_error_inside_a_wrapper() -> None:
    error = DataError("column click must be there")
    assert readable(error, Path()) is error
    assert readable(_wrapped(error), Path()) is error


_READ_AND_WRITE = "the machine must let the run read and write; got "
_ROOM = "the run's disks must have room; got "
_MEMORY = "the machine must have memory enough; got "


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), f"{_ROOM}[Errno 28] No space left"),
        (RuntimeError("log\nIO: /x: No space left on device\nmore"), f"{_ROOM}IO: /x: No space"),
        (RuntimeError("INTERNAL: database or disk is full"), f"{_ROOM}INTERNAL: database or disk"),
        (RuntimeError("cannot commit - no transaction is active"), f"{_ROOM}cannot commit"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), f"{_READ_AND_WRITE}[Errno 30] Read"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), f"{_READ_AND_WRITE}[Errno 13]"),
        (MemoryError("Unable to allocate 1 GiB"), f"{_MEMORY}Unable to allocate 1 GiB"),
        (MemoryError(), f"{_MEMORY}MemoryError"),
    ],
)
def test_readable_blames_the_machine_for_its_faults(
    error: Exception, start: str, tmp_path: Path
) -> None:
    told = readable(_wrapped(error), tmp_path)
    assert isinstance(told, EnvironmentFault)
    assert str(told).startswith(start)
    assert "\n" not in str(told)


def test_readable_tells_the_free_space_where_a_disk_is_full(tmp_path: Path) -> None:
    told = str(readable(OSError(errno.ENOSPC, "No space left on device"), tmp_path))
    assert re.search(rf" \([\d,.]+ MB free at {tmp_path}, [\d,.]+ MB free at /\S+\)$", told)


def test_readable_owns_up_to_a_defect() -> None:
    told = readable(KeyError("eval"), Path())
    assert type(told) is RankbeamError
    assert str(told) == "unforeseen KeyError: 'eval'"
    assert told.exit_code == 1
