"""Moving the finished files of a model's log to where they last: a bucket, HDFS, another disk.

The folder is the queue. A file that is finished stays in it until all of it has arrived, so that
neither a place that is away nor a server that is killed loses one: whoever logs this model into the
folder next moves what is left. A file that has arrived and could not be removed is put there again,
under the same name.
"""

import contextlib
import logging
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Protocol

from rankbeam.serving.priority import step_back
from rankbeam.serving.request_log.log_file import is_same, lock_if_known, sync_folder
from rankbeam.serving.request_log.names import finished_of
from rankbeam.serving.settings.logging import ArchiveSettings

_LOGGER = logging.getLogger(__name__)

_LOOK_S = 30.0
"""Longest pause between looks at the folder, for files that another server has left."""
_LONGEST_PAUSE_S = 60.0
"""Longest pause after a failure; the first is of a second, each further one twice as long."""
_LAST_TRIES = 3
"""Tries when the server ends."""


class ArchiveCounter(Protocol):
    """What the archive needs of `rankbeam.serving.engine.metrics.Metrics`."""

    def count_log_archived(self, model: str) -> None:
        """Counts a finished file that has arrived."""

    def count_log_archive_failure(self, model: str) -> None:
        """Counts a try that failed."""

    def set_log_unarchived(self, model: str, files: int) -> None:
        """Says how many finished files are still in the folder."""


class Archive:
    """Moves a model's finished files, by a thread of its own that gives way to all others.

    Args:
        model: The model's name.
        folder: The log's folder.
        stem: How the files' names begin.
        settings: Where files go, and how.
        counter: Told what becomes of them.
    """

    def __init__(
        self,
        model: str,
        folder: Path,
        stem: str,
        settings: ArchiveSettings,
        counter: ArchiveCounter,
    ) -> None:
        self._model, self._folder, self._stem = model, folder, stem
        self._settings = settings
        self._counter = counter
        self._failing = False
        self._tried = folder
        self._counting = threading.Lock()
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"archive-{model}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Says that a file was finished; never waits for the place."""
        self._woken.set()
        self._recount()

    def end(self) -> None:
        """Lets the thread end once it has moved what is finished, or tried to; never waits."""
        self._ending.set()
        self._woken.set()

    def join(self) -> None:
        """Waits for the end of the thread."""
        self._thread.join()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # some sandboxes refuse it
            step_back()
        failures = 0
        while not self._ending.is_set():
            failures = 0 if self._move_all() else failures + 1
            if failures:
                # A file that is finished meanwhile does not make a place that is away come back.
                self._ending.wait(_pause_s(failures))
            else:
                self._woken.wait(_LOOK_S)
                self._woken.clear()
        for tries in range(1, _LAST_TRIES + 1):
            if self._move_all():
                return
            if tries < _LAST_TRIES:
                time.sleep(_pause_s(tries))
        _LOGGER.error(
            "request log of %s: finished files are left in %s; the next start moves them to %s",
            *(self._model, self._folder, self._settings.place),
        )

    def _move_all(self) -> bool:
        """Whether all went well; a place that fails once is asked again later."""
        well = True
        try:
            # Begins behind the file where the pass before ended: where that one fails for ever, and
            # not the place, the others pass it.
            for file in sorted(self._count(), key=lambda file: file <= self._tried):
                self._tried = file
                well = self._move(file) and well
        except Exception as error:  # whatever it is, the next try may work
            self._tell(error)
            well = False
        self._recount()
        if well and self._failing:
            _LOGGER.warning("request log of %s: moving finished files again", self._model)
            self._failing = False
        return well

    def _count(self) -> list[Path]:
        """The files that are in the folder, oldest first, after the counter was told how many.

        Raises:
            OSError: The folder cannot be listed; the counter was told nothing.
        """
        with self._counting:  # what is told last was looked at last
            files = finished_of(self._folder, self._stem)
            self._counter.set_log_unarchived(self._model, len(files))
        return files

    def _recount(self) -> None:
        with contextlib.suppress(OSError):  # the next pass tells
            self._count()

    def _move(self, file: Path) -> bool:
        """Whether the file needs no more of us; false where it cannot be opened.

        Raises:
            Exception: The place fails, or takes no such file, or the file cannot be read.
        """
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # another server moved it
            return True
        except OSError as error:
            self._tell(error)
            return False
        try:
            # Several servers may log into the folder: each file is one's to move.
            if lock_if_known(descriptor) and is_same(descriptor, file):
                place = f"{self._settings.place.rstrip('/')}/{file.parent.name}/{file.name}"
                self._settings.put(file, place)
                file.unlink(missing_ok=True)
                self._counter.count_log_archived(self._model)
        finally:
            os.close(descriptor)
        return True

    def _tell(self, error: Exception) -> None:
        self._counter.count_log_archive_failure(self._model)
        if not self._failing:
            _LOGGER.error(
                "request log of %s: cannot move finished files to %s, will try again; %s",
                *(self._model, self._settings.place, error),
                exc_info=not isinstance(error, OSError),
            )
        self._failing = True


def copy_locally(source: Path, place: str) -> None:
    """Copies a file to a path of this machine, such as one on a mounted disk: whole, or not at all.

    Raises:
        OSError: It cannot be read or written, or is there already by being the same file.
    """
    target = Path(place)
    if target.exists() and target.samefile(source):
        raise OSError(f"the archive must not be the log's own folder; got {target.parent}")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.urandom(4).hex()}.partial")
    try:
        with source.open("rb") as file, partial.open("xb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        partial.rename(target)
    finally:
        # With those of servers that were killed in the middle of this file.
        for left in target.parent.glob(f".{target.name}.*.partial"):
            left.unlink(missing_ok=True)
    # The copy is there; that its name is durable as well can only be asked for.
    with contextlib.suppress(OSError):
        sync_folder(target.parent)


def _pause_s(failures: int) -> float:
    return min(_LONGEST_PAUSE_S, 2.0 ** min(failures - 1, 10))
