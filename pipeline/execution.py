"""One local run from a checked config to a pushed model, with its record, log and lock."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from rankbeam.pipeline.beam.arguments import starts_own_workers
from rankbeam.pipeline.beam.plan import BeamPlan
from rankbeam.pipeline.beam.prepare import prepare_beam
from rankbeam.pipeline.beam.spec import BeamRunner
from rankbeam.pipeline.config.load import LoadedConfig
from rankbeam.pipeline.inputs import check_destination, input_digests
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.quiet import quiet_libraries
from rankbeam.pipeline.runs import journal
from rankbeam.pipeline.runs.interruption import interruptible
from rankbeam.pipeline.runs.journal import Journal
from rankbeam.pipeline.runs.lock import output_lock
from rankbeam.pipeline.runs.log_capture import captured_output, log_exception
from rankbeam.pipeline.runs.record import LOG_FILE, RunRecord
from rankbeam.transform.errors import GateError

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


def execute(request: RunRequest) -> RunRecord:
    """Run the DAG here and now; a second call with the same request reuses finished nodes.

    Raises:
        RankbeamError: The run was stopped; the message says by what, and where the log is.
    """
    quiet_libraries()
    layout = request.layout
    loaded = request.loaded
    salts = input_digests(loaded, request.span)
    check_destination(layout.destination(loaded.config.push.destination))
    beam = prepare_beam(loaded.config.beam, request.beam_runner, str(layout.artifacts))
    with output_lock(layout.root, layout.lock), interruptible():
        kept = _begin(request)
        log = kept.folder / LOG_FILE
        with captured_output(log) as terminal:
            try:
                return _run_nodes(request, kept, terminal, salts, beam)
            except Exception as error:
                log_exception(error)
                raise kept.conclude(error, layout.root, log) from None


def _begin(request: RunRequest) -> Journal:
    config, layout = request.loaded.config, request.layout
    return journal.begin(
        layout.runs,
        pipeline=config.name,
        model_name=config.model_name,
        config_file=request.loaded.file,
        destination=layout.destination(config.push.destination),
    )


def _run_nodes(
    request: RunRequest,
    kept: Journal,
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
        reporter = Reporter(view, kept.add_node, kept.folder)
        nodes = dag.build_nodes(
            config, request.loaded.base_dir, kept.record.destination, request.span
        )
        _place_beam(request, nodes, beam, view)
        pipeline = dag.build_pipeline(
            config, nodes, str(layout.artifacts), str(layout.metadata), beam_args=()
        )
        try:
            found = dag.baseline_salt(kept.record.destination)
            LocalRunner(reporter, {**salts, "Baseline": found}).run(pipeline)
        except GateError as error:
            raise GateError("\n".join([str(error), *reporter.reasons])) from error
    finally:
        view.close()
    record = kept.finish(state="succeeded", version=reporter.version)
    show_summary(view, record, reporter.evaluation, layout)
    if request.query:
        _query(record, view)
    return kept.finish()


def _query(record: RunRecord, view: ProgressView) -> None:
    from rankbeam.pipeline.query import query_pushed_model

    query_pushed_model(record, view)


def _place_beam(
    request: RunRequest, nodes: "list[BaseNode]", beam: BeamPlan, view: ProgressView
) -> None:
    """Tell the nodes where their Beam stages run, once a Python worker has started there."""
    from rankbeam.pipeline.beam.nodes import apply_plan
    from rankbeam.pipeline.beam.probe import probe
    from rankbeam.pipeline.beam.probe_direct import one_worker, probe_direct

    apply_plan(nodes, beam)
    timeout_s = request.loaded.config.beam.worker_start_timeout_s
    for kind, place in beam.places.items():
        view.started(f"starting a worker on {kind} at {place.endpoint}")
        folder, tasks = str(request.layout.root), place.slots or 1
        probe(kind, beam.arguments_of(kind), folder, tasks, timeout_s)
        view.close()
    own = [node.arguments for node in beam.nodes.values()]
    for words in sorted({one_worker(words) for words in own if starts_own_workers(words)}):
        view.started("starting a worker of Beam's own runner")
        probe_direct(words, timeout_s)
        view.close()
