"""Which file a record goes to, and when a file is finished."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rankbeam.serving.request_log.log_file import LogFile, PartlyWritten
from rankbeam.serving.request_log.names import new_paths, span_of
from rankbeam.serving.settings.logging import LoggingSettings


@dataclass(frozen=True, slots=True)
class Entry:
    """A framed record and its time, in microseconds since 1970."""

    timestamp_us: int
    frame: bytes


class Spool:
    """Writes entries to one open file after another; for one thread.

    Args:
        settings: Where, how large and how old a file becomes.
        stem: How the files' names begin.
        on_written: Told how many records a finished file holds.
        on_lost: Told how many records a file held that somebody else removed unfinished.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        settings: LoggingSettings,
        stem: str,
        *,
        on_written: Callable[[int], None],
        on_lost: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._stem = stem
        self._on_written, self._on_lost = on_written, on_lost
        self._clock = clock
        self._file: LogFile | None = None
        self._span = ""
        self._opened_at = 0.0

    def write(self, entries: deque[Entry]) -> None:
        """Takes entries from the left as they are written; those that are left were not.

        Raises:
            OSError: The disk is full or fails otherwise; to be called again with the rest.
        """
        self.rotate_if_due()
        while entries:
            file = self._open_for(entries[0])
            group = self._that_fit(file, entries)
            try:
                file.append([entry.frame for entry in group])
                taken = len(group)
            except PartlyWritten as fault:
                taken = fault.kept
                raise
            finally:
                for _ in range(taken):
                    entries.popleft()
            self.rotate_if_due()

    def rotate_if_due(self) -> None:
        """Finishes the open file where it is large or old enough, or its day is over.

        Raises:
            OSError: It cannot be finished now; to be called again.
        """
        file = self._file
        if file is None:
            return
        if not file.is_there():
            self._forget(file)
            return
        today = span_of(time.time_ns() // 1000)
        old = self._clock() - self._opened_at >= self._settings.rotate_s
        if old or file.size >= self._settings.rotate_bytes or self._span < today:
            self.finish()

    def finish(self) -> None:
        """Finishes the open file, if any.

        Raises:
            OSError: It cannot be finished now; to be called again.
        """
        file = self._file
        if file is None:
            return
        if not file.is_there():
            self._forget(file)
            return
        file.publish()
        self._file = None
        self._on_written(file.records)

    def abandon(self) -> int:
        """Leaves an open file as it is, for the next start to finish; returns its records."""
        file, self._file = self._file, None
        if file is None:
            return 0
        file.close()
        return file.records

    def _forget(self, file: LogFile) -> None:
        self._file = None
        file.close()
        self._on_lost(file.records)

    def _open_for(self, entry: Entry) -> LogFile:
        span = span_of(entry.timestamp_us)
        if self._file is not None and self._span != span:
            self.finish()
        if self._file is None:
            paths = new_paths(self._settings.folder, self._stem, entry.timestamp_us)
            self._file = LogFile(paths)
            self._span, self._opened_at = span, self._clock()
        return self._file

    def _that_fit(self, file: LogFile, entries: deque[Entry]) -> list[Entry]:
        """The leading entries of the file's day, up to the one that makes it large enough."""
        group: list[Entry] = []
        size = file.size
        for entry in entries:
            if size >= self._settings.rotate_bytes or span_of(entry.timestamp_us) != self._span:
                break
            group.append(entry)
            size += len(entry.frame)
        return group
