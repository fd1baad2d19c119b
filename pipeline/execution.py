"""One local run from a checked config to a pushed model, with its record, log and lock."""

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TextIO

from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runs.interruption import Interrupted, interruptible
from rankbeam.pipeline.runs.lock import output_lock
from rankbeam.pipeline.runs.log_capture import captured_output
from rankbeam.pipeline.runs.record import LOG_FILE, NodeRecord, RunRecord, write_record
from rankbeam.transform.errors import EnvironmentFault, RankbeamError

# TensorFlow's and absl's chatter; what remains goes to the run's log.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Attributes:
        loaded: The config.
        layout: Where outputs go.
        span: Span to read where the path has {SPAN}; the latest where None.
        after: Called with the finished record and the view once a version is pushed.
    """

    loaded: LoadedConfig
    layout: OutputLayout
    span: int | None = None
    after: Callable[[RunRecord, ProgressView], None] | None = None


class _Journal:
    """Keeps the record on disk true while the run goes on."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record
        self._begin = time.monotonic()
        self._write()

    def add_node(self, node: NodeRecord) -> None:
        self.record = self.record.with_node(node)
        self._write()

    def finish(self, **changes: object) -> RunRecord:
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]
        self._write()
        return self.record

    def _write(self) -> None:
        self.record = replace(self.record, seconds=round(time.monotonic() - self._begin, 3))
        try:
            write_record(self.folder, self.record)
        except OSError as error:
            raise EnvironmentFault(
                f"run record must be writable; got {self.folder}: {error.strerror}"
            ) from None


def execute(request: RunRequest) -> RunRecord:
    """Run the DAG here and now; a second call with the same request reuses finished nodes.

    Raises:
        RankbeamError: The run was stopped; the message says by what, and where the log is.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    layout = request.layout
    with output_lock(layout.root, layout.lock), interruptible():
        journal = _begin(request)
        log = journal.folder / LOG_FILE
        with captured_output(log) as terminal:
            try:
                return _run_nodes(request, journal, terminal)
            except Interrupted as error:
                journal.finish(state="interrupted", error=str(error))
                raise
            except RankbeamError as error:
                traceback.print_exc()
                journal.finish(state="failed", error=str(error))
                raise _with_log(error, log) from None
            except Exception as error:
                traceback.print_exc()
                fault = _as_fault(error)
                journal.finish(state="failed", error=str(fault))
                raise _with_log(fault, log) from None


def _begin(request: RunRequest) -> _Journal:
    config, layout = request.loaded.config, request.layout
    now = datetime.now(timezone.utc)
    run_id = now.strftime("%Y%m%dT%H%M%S.%f")
    folder = layout.runs / run_id
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise EnvironmentFault(
            f"output folder must be writable; got {folder}: {error.strerror}"
        ) from None
    record = RunRecord(
        run_id=run_id,
        pipeline=config.name,
        model_name=config.model_name,
        config_file=str(request.loaded.file),
        started_at=now.isoformat(timespec="seconds"),
        destination=str(layout.destination(config.push.destination)),
    )
    return _Journal(folder, record)


def _run_nodes(request: RunRequest, journal: _Journal, terminal: TextIO) -> RunRecord:
    from rankbeam.pipeline.progress.meaning import meaning_of

    config, layout = request.loaded.config, request.layout
    view = ProgressView(terminal, meaning_of, journal.add_node)
    view.say(f"{config.name}: {request.loaded.file} -> {layout.root}")
    view.started("loading TFX")
    try:
        from rankbeam.pipeline import dag
        from rankbeam.pipeline.runners.local import LocalRunner

        view.close()
        nodes = dag.build_nodes(
            config, request.loaded.base_dir, journal.record.destination, request.span
        )
        pipeline = dag.build_pipeline(config, nodes, str(layout.artifacts), str(layout.metadata))
        LocalRunner(view).run(pipeline)
    finally:
        view.close()
    from rankbeam.pipeline.progress.summary import show_summary

    record = journal.finish(state="succeeded", version=view.pushed_version)
    show_summary(view, record, layout)
    if request.after is not None:
        request.after(record, view)
    return journal.finish()


def _as_fault(error: Exception) -> RankbeamError:
    """A readable error for one that nobody foresaw; a full disk is the machine's fault."""
    if isinstance(error, OSError) and error.errno is not None:
        place = f"{error.filename}: " if error.filename else ""
        return EnvironmentFault(f"the machine must let the run read and write; got {place}{error}")
    text = str(error).strip().splitlines()
    return RankbeamError(f"unforeseen {type(error).__name__}: {text[0] if text else 'no message'}")


def _with_log(error: RankbeamError, log: Path) -> RankbeamError:
    error.args = (f"{error}\nfull log: {log}",)
    return error
