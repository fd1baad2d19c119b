"""Finishing the files of servers that were killed: whole records are kept, a torn tail is cut."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from rankbeam.serving.request_log.frames import TornFrame, read_frames
from rankbeam.serving.request_log.log_file import finish, is_same, lock
from rankbeam.serving.request_log.names import LogPaths, partial_files

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found.

    Attributes:
        files: partial files without a living writer.
        records: whole records in them, which are in finished files now.
        torn: files among them that ended in a torn record, which is lost.
    """

    files: int = 0
    records: int = 0
    torn: int = 0


def recover(folder: Path, stem: str) -> Recovered:
    """Finishes what dead processes left of a model's log; files of living ones are let alone.

    A file that cannot be finished now stays for the next start.

    Raises:
        OSError: The folder cannot be listed.
    """
    files = records = torn = 0
    for paths in partial_files(folder, stem):
        try:
            found = _recover_one(paths)
        except OSError as error:
            _LOGGER.error("request log: %s cannot be recovered; %s", paths.partial, error)
            continue
        if found is None:
            continue
        files += 1
        records += found[0]
        torn += found[1]
    return Recovered(files, records, torn)


def _recover_one(paths: LogPaths) -> tuple[int, bool] | None:
    """Records kept, and whether one was torn; None where the file is not ours to finish."""
    try:
        descriptor = os.open(paths.partial, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Whoever held the lock until now may just have finished the file.
        if not lock(descriptor) or not is_same(descriptor, paths.partial):
            return None
        end, records, reason = _scan(descriptor)
        if reason is not None:
            cut = os.fstat(descriptor).st_size - end
            os.ftruncate(descriptor, end)
            _LOGGER.warning("request log: cut %d bytes off %s; %s", cut, paths.partial.name, reason)
        finish(descriptor, paths, records)
        return records, reason is not None
    finally:
        os.close(descriptor)


def _scan(descriptor: int) -> tuple[int, int, str | None]:
    """Where the last whole frame ends, how many there are, and what is wrong after them."""
    end = records = 0
    with os.fdopen(os.dup(descriptor), "rb") as file:
        try:
            for offset, _ in read_frames(file):
                end = offset
                records += 1
        except TornFrame as torn:
            return torn.offset, records, torn.reason
    return end, records, None
