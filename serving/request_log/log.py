"""The request log of one model: takes answered requests off the hot path, and counts every loss."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol

from google.protobuf.message import Message

from rankbeam.serving.request_log import record
from rankbeam.serving.request_log.archive import Archive, ArchiveCounter
from rankbeam.serving.request_log.frames import frame
from rankbeam.serving.request_log.names import stem_of
from rankbeam.serving.request_log.record import Answered
from rankbeam.serving.request_log.recovery import recover
from rankbeam.serving.request_log.sampling import Sampler
from rankbeam.serving.request_log.spool import Entry, Spool
from rankbeam.serving.settings.logging import LoggingSettings

_LOGGER = logging.getLogger(__name__)

_BATCH = 64
"""Records written at once."""
_TICK_S = 1.0
"""Longest pause between looks at the open file's age, and between tries on a disk that fails."""
_REPORT_S = 60.0
"""Shortest pause between messages about dropped records."""
_CLOSE_S = 10.0


class Caller(Protocol):
    """What the log needs to know of `rankbeam.serving.engine.core.Call`."""

    @property
    def request_id(self) -> str:
        """The request's id."""


class LogCounter(ArchiveCounter, Protocol):
    """What the log needs of `rankbeam.serving.engine.metrics.Metrics`."""

    def count_log_written(self, model: str, count: int = 1) -> None:
        """Counts records in finished files."""

    def count_log_dropped(self, model: str, count: int = 1) -> None:
        """Counts records that were lost."""


class RequestLog:
    """Logs sampled requests of one model.

    `offer` only hashes the id and queues references. A thread serialises, writes and rotates.
    Every sampled request ends up in exactly one of two counts: written, when its file is finished,
    or dropped: the queue was full, in requests or in bytes (the disk is slow, full or away), the
    record could not be serialised, somebody removed the unfinished file, or the log was closed.
    While a disk fails, records wait in the queue, and the thread tries again every second.

    Args:
        model: the model's name.
        settings: where, how much and how often.
        counter: told what is written and dropped.
    """

    def __init__(self, model: str, settings: LoggingSettings, counter: LogCounter) -> None:
        self.settings = settings
        self._model = model
        self._counter = counter
        self._sampler = Sampler(settings.sampling_rate)
        self._queue: SimpleQueue[Answered | None] = SimpleQueue()
        self._weighing = threading.Lock()
        self._queued_bytes = 0
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._drops_to_report = 0
        self._reported_at = -_REPORT_S
        self._failing = False
        self._recovered = False
        stem = stem_of(model, settings.prefix)
        self._archive: Archive | None = None
        if settings.archive is not None:
            self._archive = Archive(model, settings.folder, stem, settings.archive, counter)
        self._spool = Spool(
            settings,
            stem,
            on_written=self._count_written,
            on_lost=self._count_dropped,
        )
        self._thread = threading.Thread(target=self._run, name=f"request-log-{model}", daemon=True)
        self._thread.start()

    def offer(
        self,
        *,
        request: Message,
        response: Message,
        call: Caller,
        transform_hash: str,
    ) -> None:
        """Logs an answered request, if it is sampled; never waits and never raises.

        Args:
            request: what the client sent to Predict, Classify, Regress or MultiInference; must not
                be changed any more.
            response: what it gets, with the resolved name, version and signature in its
                `model_spec`; must not be changed any more.
            call: has the request's id, which decides whether it is sampled.
            transform_hash: hash of the transform inside the model, or "".
        """
        try:
            if not self._sampler.keeps(call.request_id):
                return
            size = request.ByteSize() + response.ByteSize()
            if not self._has_room(size):
                self._count_dropped(1)
                return
            now = record.now_us()
            self._queue.put(Answered(request, response, call.request_id, transform_hash, now, size))
            if self._ended.is_set():
                self._drop_queue()
        except Exception:  # a log must not cost an answer
            self._count_dropped(1)

    def close(self) -> None:
        """Writes what is queued and finishes the open file; what is offered from now is dropped.

        Returns after ten seconds even where the disk hangs; the thread then goes on by itself.
        """
        self._closing.set()
        self._queue.put(None)
        self._thread.join(_CLOSE_S)
        if self._thread.is_alive():
            _LOGGER.error("request log of %s: %s hangs", self._model, self.settings.folder)
        if self._archive is not None:
            self._archive.end()

    def join_archive(self) -> None:
        """Waits, once closed, until finished files have been moved to the archive, if any."""
        if self._archive is not None:
            self._archive.join()

    def _has_room(self, size: int) -> bool:
        """Whether one more of that size may wait; it is counted at once if so."""
        with self._weighing:
            heavy = self._queued_bytes + size > self.settings.max_queued_bytes
            if heavy or self._queue.qsize() >= self.settings.max_queued:
                return False
            self._queued_bytes += size
            return True

    def _weigh_off(self, size: int) -> None:
        with self._weighing:
            self._queued_bytes -= size

    def _run(self) -> None:
        waiting: deque[Entry] = deque()
        self._write(waiting)
        while not self._closing.is_set():
            if self._failing:
                self._closing.wait(_TICK_S)
            else:
                self._take(waiting)
            self._write(waiting)
            self._report()
        self._end(waiting)

    def _end(self, waiting: deque[Entry]) -> None:
        while not self._failing and (waiting or not self._queue.empty()):
            self._take(waiting)
            self._write(waiting)
        self._guarded(self._spool.finish)
        if left := self._spool.abandon():
            _LOGGER.error(
                "request log of %s: %d records are left in a partial file in %s; the next start "
                "finishes it",
                *(self._model, left, self.settings.folder),
            )
        self._count_dropped(len(waiting))
        self._ended.set()
        self._drop_queue()
        self._report(at_once=True)

    def _write(self, waiting: deque[Entry]) -> None:
        def work() -> None:
            if not self._recovered:
                self._recover()
                self._recovered = True
            self._spool.write(waiting)

        before = _bytes_of(waiting)
        self._guarded(work)
        self._weigh_off(before - _bytes_of(waiting))

    def _take(self, waiting: deque[Entry]) -> None:
        """Moves up to a batch from the queue, serialised; waits a while for the first."""
        try:
            answered = self._queue.get(timeout=0 if waiting else _TICK_S)
            while True:
                if answered is not None:
                    self._serialise(answered, waiting)
                if len(waiting) >= _BATCH:
                    return
                # Lets a thread that answers requests have the interpreter between two records.
                time.sleep(0)
                answered = self._queue.get_nowait()
        except Empty:
            return

    def _serialise(self, answered: Answered, waiting: deque[Entry]) -> None:
        kept = 0
        try:
            content = frame(record.serialise(answered, self.settings.sampling_rate))
            waiting.append(Entry(answered.timestamp_us, content))
            kept = len(content)
        except Exception:  # one odd record must not end the log
            _LOGGER.debug("request log of %s: a record is no PredictionLog", self._model)
            self._count_dropped(1)
        self._weigh_off(answered.size - kept)

    def _recover(self) -> None:
        found = recover(self.settings.folder, stem_of(self._model, self.settings.prefix))
        self._count_written(found.records)
        self._count_dropped(found.torn)
        if found.files:
            _LOGGER.warning(
                "request log of %s: finished %d files that a killed server left, with %d records",
                *(self._model, found.files, found.records),
            )

    def _guarded(self, work: Callable[[], None]) -> None:
        """Does work on the disk; says once that it fails, and once that it works again."""
        try:
            work()
        except Exception as error:  # whatever it is, the next try may work
            if not self._failing:
                expected = isinstance(error, OSError)
                _LOGGER.error(
                    "request log of %s: cannot write to %s, will try again; %s",
                    *(self._model, self.settings.folder, error),
                    exc_info=not expected,
                )
            self._failing = True
            return
        if self._failing:
            _LOGGER.warning("request log of %s: writing again", self._model)
        self._failing = False

    def _drop_queue(self) -> None:
        while True:
            try:
                if self._queue.get_nowait() is not None:
                    self._count_dropped(1)
            except Empty:
                return

    def _count_written(self, count: int) -> None:
        if count:
            self._counter.count_log_written(self._model, count)
            if self._archive is not None:
                self._archive.wake()

    def _count_dropped(self, count: int) -> None:
        if count:
            # The sum for the message may miss a few in a race; the counter locks and does not.
            self._drops_to_report += count
            self._counter.count_log_dropped(self._model, count)

    def _report(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._drops_to_report and (at_once or now - self._reported_at >= _REPORT_S):
            _LOGGER.warning(
                "request log of %s: dropped %d records", self._model, self._drops_to_report
            )
            self._drops_to_report, self._reported_at = 0, now


def _bytes_of(waiting: deque[Entry]) -> int:
    return sum(len(entry.frame) for entry in waiting)
