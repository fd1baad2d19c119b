"""What a user is told of errors that nobody raised on purpose."""

import errno

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
    assert readable(error) is error
    assert readable(_wrapped(error)) is error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError("cannot allocate"),
        RuntimeError("log\nRESOURCE_EXHAUSTED: /x: No space left on device\nmore"),
        RuntimeError("INTERNAL: database or disk is full"),
    ],
)
def test_readable_blames_the_machine_for_its_faults(error: Exception) -> None:
    told = readable(_wrapped(error))
    assert isinstance(told, EnvironmentFault)
    assert str(told).startswith("the machine must let the run read and write; got ")
    assert "\n" not in str(told)


def test_readable_owns_up_to_a_defect() -> None:
    told = readable(KeyError("eval"))
    assert type(told) is RankbeamError
    assert str(told) == "unforeseen KeyError: 'eval'"
    assert told.exit_code == 1
