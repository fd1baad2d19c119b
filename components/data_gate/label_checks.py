"""Problems of a split's labels, funnel and integer domains, from their counts."""

from collections.abc import Callable, Iterator, Mapping

from rankbeam.components.data_gate.problems import Problem, Severity, short_list
from rankbeam.components.data_gate.spec import DataGateOptions, FunnelEdge
from rankbeam.components.data_gate.tally import Fault, FaultKind, SplitTally

# Names a row for a person: its identifiers, from the serialized row.
NameRow = Callable[[bytes], str]

# Kind of fault to the rule it breaks and what was seen instead.
_LABEL_RULES: Mapping[FaultKind, str] = {
    "outside": "must be 0 or 1; got another value",
    "missing": "must be in every row; missing",
    "many": "must have one value; got more",
}


def label_problems(
    split: str, tally: SplitTally, options: DataGateOptions, name_row: NameRow
) -> Iterator[Problem]:
    """What is wrong with one split on its own."""
    if tally.rows < options.gate.min_rows:
        least = options.gate.min_rows
        yield Problem(
            Severity.EMPTY,
            f"{split}: must have at least {least:,} row{'s' * (least > 1)} (data.split, "
            f"gates.data.min_rows); got {tally.rows:,}",
        )
    if tally.rows == 0:
        return
    for label in options.labels:
        found = list(_of_label(split, label, tally, name_row))
        yield from found
        if not found and not options.gate.allow_constant_label:
            yield from _constant(split, label, tally)
    for column, legal in options.domains.items():
        fault = tally.fault("domain", column)
        if fault is not None:
            yield Problem(
                Severity.ANOMALY,
                f"{split}: {column}: unexpected values in {_rows(fault, tally)}, first "
                f"{fault.value} {_at(fault, name_row)}; expected one of {short_list(legal)}",
                column,
            )


def funnel_problems(
    tallies: Mapping[str, SplitTally], options: DataGateOptions, name_row: NameRow
) -> list[Problem]:
    """Funnel violations of all splits, where together they are more than the config allows."""
    faults = [
        (split, edge, fault)
        for split, tally in tallies.items()
        for edge in options.funnel
        if (fault := tally.fault("funnel", edge.label, edge.given)) is not None
    ]
    limit = options.gate.max_funnel_violations
    if sum(fault.count for _, _, fault in faults) <= limit:
        return []
    bound = f"at most {limit:,} rows may" if limit else "none may"
    return [
        Problem(
            Severity.FUNNEL,
            f"{split}: {edge.label} is 1 though {edge.given} is 0 in "
            f"{_rows(fault, tallies[split])}, first {_at(fault, name_row)}; {bound}",
            edge.label,
        )
        for split, edge, fault in faults
    ]


def edge_name(edge: FunnelEdge) -> str:
    """The edge's key in reports."""
    return f"{edge.label} given {edge.given}"


def _of_label(split: str, label: str, tally: SplitTally, name_row: NameRow) -> Iterator[Problem]:
    for kind, rule in _LABEL_RULES.items():
        fault = tally.faults.get((kind, label))
        if fault is not None:
            value = f"{fault.value} " if kind == "outside" else ""
            yield Problem(
                Severity.LABEL,
                f"{split}: label {label} {rule} in {_rows(fault, tally)}, first "
                f"{value}{_at(fault, name_row)}",
                label,
            )


def _constant(split: str, label: str, tally: SplitTally) -> Iterator[Problem]:
    positives = tally.positives[label]
    if positives in (0, tally.rows):
        yield Problem(
            Severity.CONSTANT,
            f"{split}: label {label} is {int(positives > 0)} in all {tally.rows:,} rows; it must "
            "vary (or set gates.data.allow_constant_label)",
            label,
        )


def _rows(fault: Fault, tally: SplitTally) -> str:
    return f"{fault.count:,} of {tally.rows:,} rows"


def _at(fault: Fault, name_row: NameRow) -> str:
    name = name_row(fault.record)
    return f"in row {fault.row:,}{f' ({name})' if name else ''}"
