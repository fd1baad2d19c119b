"""The end of a run: how good the model is per output, and where everything stands."""

from pathlib import Path

from rich.table import Table

from rankbeam.components.evaluator.catalog import METRICS
from rankbeam.components.evaluator.evaluation import Evaluation
from rankbeam.components.evaluator.report import read_evaluation, write_html
from rankbeam.pipeline.layout import OutputLayout
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.pipeline.runs.record import LOG_FILE, RunRecord

EVALUATION_PAGE = "evaluation.html"


def write_evaluation_page(evaluator: NodeResult, folder: Path) -> Evaluation:
    """Write the Evaluator's findings as a page into the run's folder, and return them."""
    uris = (str(evaluator.outputs[name][0].uri) for name in ("evaluation", "blessing"))
    evaluation = read_evaluation(*uris)
    write_html(evaluation, folder / EVALUATION_PAGE)
    return evaluation


def show_summary(
    view: ProgressView, record: RunRecord, evaluation: Evaluation | None, layout: OutputLayout
) -> None:
    """Print the metrics of all rows per output, and the places worth knowing."""
    folder = layout.runs / record.run_id
    view.say("")
    if evaluation is not None:
        view.console.print(_metrics_table(evaluation))
        view.say("")
    view.say(f"pushed     {record.destination}/{record.version} as model {record.model_name}")
    view.say(f"evaluation {folder / EVALUATION_PAGE}")
    view.say(f"log        {folder / LOG_FILE}")
    view.say(f"took       {record.seconds:.1f} s")
    view.say(f"next       rankbeam serve {record.destination}")


def _metrics_table(evaluation: Evaluation) -> Table:
    shown = [output for output in evaluation.outputs if output.overall is not None]
    names = dict.fromkeys(
        name for output in shown if output.overall for name in output.overall.metrics
    )
    table = Table("output", *(METRICS[name].title for name in names), box=None, pad_edge=False)
    for output in shown:
        if output.overall is not None:
            values = (output.overall.metrics.get(name, float("nan")) for name in names)
            table.add_row(output.name, *(_plain(value) for value in values))
    return table


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value > 1 and value.is_integer() else f"{value:.4f}"
