"""An evaluation as one HTML page: no network, no script."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.components.evaluator.evaluation import (
    Evaluation,
    OutputEvaluation,
    SliceEvaluation,
    number,
    slice_name,
)
from rankbeam.components.evaluator.svg import calibration_plot

_STYLE = """
:root { color-scheme: light dark; --good: #157f3b; --bad: #b3261e; --line: #8886; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2.5rem }
.verdict { font-weight: 600 } .good { color: var(--good) } .bad { color: var(--bad) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left }
td small { display: block }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0 } figcaption { font-size: .85rem }
svg { max-width: 100%; height: auto }
svg text { font-size: 11px; fill: currentColor }
"""


def render(evaluation: Evaluation) -> str:
    """The page as text."""
    verdict = "Blessed" if evaluation.blessed else "Not blessed"
    tone = "good" if evaluation.blessed else "bad"
    compared = (
        "Small figures: change against the last blessed model."
        if evaluation.has_baseline
        else "There was no blessed model to compare with."
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Evaluation: {verdict.lower()}</title><style>{_STYLE}</style></head><body>",
        "<h1>Evaluation</h1>",
        f'<p class="verdict {tone}">{verdict}</p>',
        *_failures(evaluation.failures),
        f"<p>{compared}</p>",
        *(line for output in evaluation.outputs for line in _output(output)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _failures(failures: Sequence[str]) -> Iterator[str]:
    if failures:
        yield "<ul>"
        yield from (f"<li>{escape(failure)}</li>" for failure in failures)
        yield "</ul>"


def _output(output: OutputEvaluation) -> Iterator[str]:
    yield f"<h2>{escape(output.name)}</h2>"
    if not output.slices:
        yield "<p>No row was evaluated.</p>"
        return
    metrics = [metric for metric in METRICS if metric in output.slices[0].metrics]
    yield '<div class="scroll"><table><thead><tr><th>Slice</th>'
    yield from (f"<th>{escape(METRICS[metric].title)}</th>" for metric in metrics)
    yield "</tr></thead><tbody>"
    yield from (_row(part, metrics) for part in output.slices)
    yield "</tbody></table></div>"
    yield from _plots(output)


def _row(part: SliceEvaluation, metrics: Sequence[Metric]) -> str:
    cells = "".join(f"<td>{_cell(part, metric)}</td>" for metric in metrics)
    return f"<tr><td>{escape(slice_name(part.key))}</td>{cells}</tr>"


def _cell(part: SliceEvaluation, metric: Metric) -> str:
    value = part.metrics[metric]
    change = value - part.baseline.get(metric, math.nan)
    better = METRICS[metric].better
    if math.isnan(change) or metric == "example_count":
        return number(value)
    worse = change < 0 if better == "higher" else change > 0
    tone = "" if better == "neither" or change == 0 else "bad" if worse else "good"
    return f'{number(value)}<small class="{tone}">{change:+.2g}</small>'


def _plots(output: OutputEvaluation) -> Iterator[str]:
    figures = [(part.key, _figure(part)) for part in output.slices if part.calibration]
    overall = [figure for key, figure in figures if not key]
    sliced = [figure for key, figure in figures if key]
    if overall:
        yield f'<h3>Calibration</h3><div class="plots">{"".join(overall)}</div>'
    if sliced:
        yield "<details><summary>Calibration by slice</summary>"
        yield f'<div class="plots">{"".join(sliced)}</div></details>'


def _figure(part: SliceEvaluation) -> str:
    caption = escape(slice_name(part.key))
    plot = calibration_plot(part.calibration)
    return f"<figure>{plot}<figcaption>{caption}</figcaption></figure>"
