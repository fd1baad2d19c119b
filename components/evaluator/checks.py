"""Rules between gates, slices and outputs, checked when the config is loaded."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from rankbeam.components.evaluator.catalog import METRICS
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec, MetricGate

Place = tuple[str | int, ...]
Finding = tuple[Place, str]


def check_evaluation(spec: EvaluationSpec, outputs: Sequence[EvaluatedOutput]) -> list[Finding]:
    """Everything in `spec` that could never be evaluated as written.

    Args:
        spec: The config's `evaluation` section.
        outputs: What the model will answer.

    Returns:
        For each fault, its place in the config and a message that names the field, the rule and
        the value received; empty where all is well.
    """
    names = [output.name for output in outputs]
    return [*_check_slices(spec), *_check_gates(spec, names)]


def _check_slices(spec: EvaluationSpec) -> Iterator[Finding]:
    seen: set[frozenset[str]] = set()
    for index, columns in enumerate(spec.slices):
        place: Place = ("evaluation", "slices", index)
        field = f"evaluation.slices[{index}]"
        twice = [column for column, times in Counter(columns).items() if times > 1]
        if not columns:
            yield place, f"{field} must name a column (all rows are always measured); got none"
        elif twice:
            yield place, f"{field} must name each column once; got {twice[0]} twice"
        elif frozenset(columns) in seen:
            yield place, f"{field} must not repeat a slice; got {_cross(columns)} again"
        seen.add(frozenset(columns))


def _check_gates(spec: EvaluationSpec, names: Collection[str]) -> Iterator[Finding]:
    for index, gate in enumerate(spec.gates):
        place: Place = ("evaluation", "gates", index)
        field = f"evaluation.gates[{index}]"
        if gate.output not in names:
            yield (
                (*place, "output"),
                f"{field}.output must be an output of the model ({', '.join(names)}); "
                f"got {gate.output}{_nearest(gate.output, names)}",
            )
        yield from _check_bounds(gate, place, field)
        crosses = {frozenset(columns): _cross(columns) for columns in spec.slices}
        if gate.slice and frozenset(gate.slice) not in crosses:
            known = ", ".join(crosses.values()) or "none"
            wanted = _cross(tuple(gate.slice))
            yield (
                (*place, "slice"),
                f"{field}.slice must use the columns of one of evaluation.slices ({known}); "
                f"got {wanted}{_nearest(wanted, crosses.values())}",
            )


def _check_bounds(gate: MetricGate, place: Place, field: str) -> Iterator[Finding]:
    largest = METRICS[gate.metric].largest
    for name, bound in (("min", gate.min), ("max", gate.max)):
        if bound is not None and not 0 <= bound <= largest:
            yield (
                (*place, name),
                f"{field}.{name} must be between 0 and {largest:g} for {gate.metric}; "
                f"got {bound:g}",
            )


def _cross(columns: Sequence[str]) -> str:
    return " x ".join(columns)


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
