"""One run of a compiled pipeline on this machine, with its record, logs and lock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from rankbeam.components.pusher.spec import PushSpec
from rankbeam.pipeline.beam.prepare import DATAFLOW_IS_ELSEWHERE
from rankbeam.pipeline.compiled.cache import ResultCache
from rankbeam.pipeline.compiled.parameters import typed, with_defaults
from rankbeam.pipeline.compiled.runner import CompiledRunner
from rankbeam.pipeline.compiled.spec import CompiledPipeline, load_compiled
from rankbeam.pipeline.compiled.state import RunState
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.quiet import quiet_libraries
from rankbeam.pipeline.runners.cache_key import code_digest
from rankbeam.pipeline.runs import journal
from rankbeam.pipeline.runs.interruption import interruptible
from rankbeam.pipeline.runs.journal import Journal
from rankbeam.pipeline.runs.lock import output_lock
from rankbeam.pipeline.runs.log_capture import captured_output, log_exception
from rankbeam.pipeline.runs.record import LOG_FILE, RunRecord
from rankbeam.transform.errors import ConfigError, GateError

DESTINATION = "push_destination"
"""The run's own parameter that says where models are pushed to."""

_PUSHER = "Pusher"


@dataclass(frozen=True)
class CompiledRequest:
    """What to run.

    Attributes:
        file: The compiled pipeline.
        output: Folder for all outputs; by default `rankbeam-out/<name>`.
        parameters: The run's own parameters, as texts.
        query: Serve what was pushed and ask it one request.
    """

    file: Path
    output: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: bool = False


def execute_compiled(request: CompiledRequest) -> RunRecord:
    """Run every task of a compiled pipeline as a process here.

    Results of tasks that the pipeline lets be cached are taken from earlier runs into the same
    output folder.

    Raises:
        RankbeamError: The run was stopped; the message says by what, and where the log is.
    """
    quiet_libraries()
    compiled = load_compiled(request.file)
    layout = OutputLayout.of(compiled.name, request.output)
    _refuse_dataflow(compiled, layout)
    parameters = _parameters(compiled, request.parameters, layout)
    with output_lock(layout.root, layout.lock), interruptible():
        kept = journal.begin(
            layout.runs,
            pipeline=compiled.name,
            model_name=_model_name(compiled),
            config_file=request.file.resolve(),
            destination=str(parameters.get(DESTINATION, "")),
        )
        state = RunState(
            name=compiled.name,
            run_id=kept.record.run_id,
            created=kept.record.started_at,
            root=layout.compiled / kept.record.run_id,
            parameters=parameters,
        )
        return _run(compiled, state, kept, layout, request.query)


def _refuse_dataflow(compiled: CompiledPipeline, layout: OutputLayout) -> None:
    for task in compiled.tasks:
        if "--runner=DataflowRunner" in compiled.executor(task).container.args:
            raise ConfigError(DATAFLOW_IS_ELSEWHERE.format(layout.compiled))


def _parameters(
    compiled: CompiledPipeline, given: Mapping[str, str], layout: OutputLayout
) -> dict[str, object]:
    """All values of a run; a local folder of models is one, whoever reads it."""
    known = compiled.inputs.get(DESTINATION)
    if known is not None and not known.HasField("default_value"):
        given = {DESTINATION: PushSpec().destination, **given}
    values = with_defaults(compiled, typed(compiled, given))
    destination = str(values.get(DESTINATION, ""))
    if destination and "://" not in destination:
        values[DESTINATION] = str(layout.destination(destination))
    return values


def _model_name(compiled: CompiledPipeline) -> str:
    """The name that clients ask for: what the Pusher is told, else the pipeline's."""
    if _PUSHER not in compiled.tasks:
        return compiled.name
    options = compiled.tasks[_PUSHER].inputs.parameters["options"].runtime_value.constant
    try:
        return str(json.loads(options.string_value)["model_name"])
    except (ValueError, KeyError, TypeError):
        return compiled.name


def _log_of(kept: Journal) -> Path:
    """The log of the task that failed; the run's own where none has."""
    failed = [node.node for node in kept.record.nodes if node.state == "failed"]
    logs = [kept.folder / f"{name}.log" for name in failed]
    return next((log for log in logs if log.exists()), kept.folder / LOG_FILE)


def _run(
    compiled: CompiledPipeline, state: RunState, kept: Journal, layout: OutputLayout, query: bool
) -> RunRecord:
    with captured_output(kept.folder / LOG_FILE) as terminal:
        try:
            return _run_tasks(compiled, state, kept, layout, terminal, query)
        except Exception as error:
            log_exception(error)
            raise kept.conclude(error, layout.root, _log_of(kept)) from None


def _run_tasks(
    compiled: CompiledPipeline,
    state: RunState,
    kept: Journal,
    layout: OutputLayout,
    terminal: TextIO,
    query: bool,
) -> RunRecord:
    view = ProgressView(terminal)
    view.say(f"{compiled.name}: {compiled.file} -> {layout.root}")
    view.started("loading what reads results")
    try:
        # Late: TFX takes a while, and a pipeline that cannot run must not wait for it.
        from rankbeam.pipeline.progress.reporter import Reporter
        from rankbeam.pipeline.progress.summary import show_summary

        view.close()
        reporter = Reporter(view, kept.add_node, kept.folder)
        cache = ResultCache(layout.compiled / "cache", code_digest())
        runner = CompiledRunner(reporter, kept.folder, cache, view.say)
        try:
            runner.run(compiled, state)
        except GateError as error:
            error.args = ("\n".join([str(error), *reporter.reasons]),)
            raise
    finally:
        view.close()
    record = kept.finish(state="succeeded", version=reporter.version)
    if record.version is None:
        view.say(f"log        {kept.folder / LOG_FILE}")
        return record
    show_summary(view, record, reporter.evaluation, layout)
    if query:
        from rankbeam.pipeline.query import query_pushed_model

        query_pushed_model(record, view)
    return kept.finish()
