"""Reading a request log back."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from rankbeam.serving.request_log.frames import TornFrame, read_frames
from rankbeam.serving.request_log.names import SUFFIX
from rankbeam.serving.request_log.record import Logged, LoggedRequest, parse
from rankbeam.transform.errors import DataError


def finished_files(folder: Path) -> list[Path]:
    """The finished files of all spans of a log, in the order of spans and names."""
    return sorted(path for path in folder.glob(f"*/*{SUFFIX}") if path.is_file())


def read_requests(files: Iterable[Path]) -> Iterator[LoggedRequest]:
    """The Predict requests among `read_records`; raises as that."""
    for record in read_records(files):
        if isinstance(record, LoggedRequest):
            yield record


def read_records(files: Iterable[Path]) -> Iterator[Logged]:
    """The records of finished files, in the order in which they were written to each.

    Checksums are verified.

    Raises:
        DataError: A file cannot be read, is damaged, or holds something else.
    """
    for path in files:
        yield from _read_one(path)


def _read_one(path: Path) -> Iterator[Logged]:
    number = 0
    try:
        with path.open("rb") as file:
            for _, record in read_frames(file):
                number += 1
                yield parse(record)
    except OSError as error:
        raise DataError(f"{path} must be readable; {error.strerror}") from error
    except TornFrame as torn:
        raise DataError(
            f"{path} must be readable as TFRecord of PredictionLog; after {number} records, {torn}"
        ) from torn
    except DataError as error:
        raise DataError(f"{path} record {number}: {error}") from error
