"""Keeps a run's record on disk true, from its begin to however it ends."""

import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from rankbeam.pipeline.runs.interruption import Interrupted
from rankbeam.pipeline.runs.log_capture import log_exception
from rankbeam.pipeline.runs.record import NodeRecord, RunRecord, write_record
from rankbeam.pipeline.runs.unforeseen import readable
from rankbeam.transform.errors import EnvironmentFault, RankbeamError


class Journal:
    """Writes the record whenever something has changed.

    Args:
        folder: The run's folder.
        record: How the run begins.

    Raises:
        EnvironmentFault: The record cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record
        self._begin = time.monotonic()
        self._write()

    def add_node(self, node: NodeRecord) -> None:
        """Add a node that has ended."""
        self.record = self.record.with_node(node)
        self._write()

    def finish(self, **changes: object) -> RunRecord:
        """Change the record for the last time; returns it."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        self._write()
        return self.record

    def conclude(self, error: Exception, root: Path, log: Path) -> RankbeamError:
        """What ended the run, as the user reads it, and in the record where that can be written.

        Args:
            error: What was raised.
            root: The output folder.
            log: Where to read more.
        """
        told = readable(error, root)
        state = "interrupted" if isinstance(told, Interrupted) else "failed"
        try:
            self.finish(state=state, error=str(told))
        except EnvironmentFault as fault:
            # On a full disk the record stays `running` with a process that is gone: told as killed.
            log_exception(fault)
        told.args = (f"{told}\nfull log: {log}",)
        return told

    def _write(self) -> None:
        self.record = replace(self.record, seconds=round(time.monotonic() - self._begin, 3))
        try:
            write_record(self.folder, self.record)
        except OSError as error:
            raise EnvironmentFault(
                f"run record must be writable; got {self.folder}: {error.strerror}"
            ) from None


def begin(
    runs: Path, *, pipeline: str, model_name: str, config_file: Path, destination: str
) -> Journal:
    """Begin a run: its folder below `runs`, named by the time, and its record.

    Args:
        runs: Folder of all runs.
        pipeline: The pipeline's name.
        model_name: Name that clients ask for.
        config_file: What is run.
        destination: Folder that models are pushed to.

    Raises:
        EnvironmentFault: The folder or the record cannot be written; none is left then.
    """
    now = datetime.now(timezone.utc)
    run_id = now.strftime("%Y%m%dT%H%M%S.%f")
    folder = runs / run_id
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise EnvironmentFault(
            f"output folder must be writable; got {folder}: {error.strerror}"
        ) from None
    record = RunRecord(
        run_id=run_id,
        pipeline=pipeline,
        model_name=model_name,
        config_file=str(config_file),
        started_at=now.isoformat(timespec="seconds"),
        destination=destination,
    )
    try:
        return Journal(folder, record)
    except EnvironmentFault:
        folder.rmdir()  # a run without a record is no run
        raise
