"""One local run from a checked config to a pushed model, with its record, log and lock."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rankbeam.components.example_gen.paths import check_source
from rankbeam.pipeline.beam.plan import BeamPlan
from rankbeam.pipeline.beam.prepare import prepare_beam
from rankbeam.pipeline.beam.spec import BeamRunner
from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.quiet import quiet_libraries
from rankbeam.pipeline.runners.cache_key import content_digest, listing_digest
from rankbeam.pipeline.runs.interruption import Interrupted, interruptible
from rankbeam.pipeline.runs.lock import output_lock
from rankbeam.pipeline.runs.log_capture import captured_output, log_exception
from rankbeam.pipeline.runs.record import LOG_FILE, NodeRecord, RunRecord, write_record
from rankbeam.pipeline.runs.unforeseen import readable
from rankbeam.transform.errors import DataError, EnvironmentFault, GateError, RankbeamError

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Attributes:
        loaded: The config.
        layout: Where outputs go.
        span: Span to read where the path has {SPAN}; the latest where None.
        query: Serve what was pushed and ask it one request.
        beam_runner: Where Beam stages run; where None, as the config says.
    """

    loaded: LoadedConfig
    layout: OutputLayout
    span: int | None = None
    query: bool = False
    beam_runner: BeamRunner | None = None


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
    quiet_libraries()
    layout = request.layout
    loaded = request.loaded
    salts = _input_digests(loaded, request.span)
    beam = prepare_beam(loaded.config.beam, request.beam_runner, str(layout.artifacts))
    with output_lock(layout.root, layout.lock), interruptible():
        journal = _begin(request)
        log = journal.folder / LOG_FILE
        with captured_output(log) as terminal:
            try:
                return _run_nodes(request, journal, terminal, salts, beam)
            except Exception as error:
                log_exception(error)
                raise _concluded(error, journal, layout) from None


def _input_digests(loaded: LoadedConfig, span: int | None) -> dict[str, str]:
    """Check the files that the run reads; what their nodes' cached results depend on."""
    data, base_dir = loaded.config.data, loaded.base_dir
    splits = check_source(data, str(base_dir), span)
    digests = {"ExampleGen": listing_digest(file for files in splits.values() for file in files)}
    if data.schema_path is not None:
        schema = base_dir / data.schema_path
        try:
            digests["ImportSchemaGen"] = content_digest(schema)
        except OSError as error:
            raise DataError(
                f"data.schema_path must be a readable file; got {schema}: {error.strerror}"
            ) from None
    return digests


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
    try:
        return _Journal(folder, record)
    except EnvironmentFault:
        folder.rmdir()  # a run without a record is no run
        raise


def _run_nodes(
    request: RunRequest,
    journal: _Journal,
    terminal: TextIO,
    salts: Mapping[str, str],
    beam: BeamPlan,
) -> RunRecord:
    config, layout = request.loaded.config, request.layout
    view = ProgressView(terminal)
    view.say(f"{config.name}: {request.loaded.file} -> {layout.root}")
    view.started("loading TFX")
    try:
        from rankbeam.pipeline import dag
        from rankbeam.pipeline.progress.reporter import Reporter
        from rankbeam.pipeline.progress.summary import show_summary
        from rankbeam.pipeline.runners.local import LocalRunner

        view.close()
        reporter = Reporter(view, journal.add_node, journal.folder)
        nodes = dag.build_nodes(
            config, request.loaded.base_dir, journal.record.destination, request.span
        )
        _place_beam(request, nodes, beam, view)
        pipeline = dag.build_pipeline(
            config, nodes, str(layout.artifacts), str(layout.metadata), beam_args=()
        )
        try:
            found = dag.baseline_salt(journal.record.destination)
            LocalRunner(reporter, {**salts, "Baseline": found}).run(pipeline)
        except GateError as error:
            raise GateError("\n".join([str(error), *reporter.reasons])) from error
    finally:
        view.close()
    record = journal.finish(state="succeeded", version=reporter.version)
    show_summary(view, record, reporter.evaluation, layout)
    if request.query:
        from rankbeam.pipeline.query import query_pushed_model

        query_pushed_model(record, view)
    return journal.finish()


def _place_beam(
    request: RunRequest, nodes: "list[BaseNode]", beam: BeamPlan, view: ProgressView
) -> None:
    """Tell the nodes where their Beam stages run, once a Python worker has started there."""
    from rankbeam.pipeline.beam.nodes import apply_plan, check_overrides
    from rankbeam.pipeline.beam.probe import probe

    check_overrides(nodes, request.loaded.config.beam)
    apply_plan(nodes, beam)
    for kind, place in beam.places.items():
        view.started(f"starting a worker on {kind} at {place.endpoint}")
        probe(kind, beam.arguments_of(kind), str(request.layout.root), place.slots or 1)
        view.close()


def _concluded(error: Exception, journal: _Journal, layout: OutputLayout) -> RankbeamError:
    """`error` as the user reads it, written into the record where that is still possible."""
    told = readable(error, layout.root)
    state = "interrupted" if isinstance(told, Interrupted) else "failed"
    try:
        journal.finish(state=state, error=str(told))
    except EnvironmentFault as fault:
        # On a full disk the record stays `running` with a process that is gone: told as killed.
        log_exception(fault)
    told.args = (f"{told}\nfull log: {journal.folder / LOG_FILE}",)
    return told
