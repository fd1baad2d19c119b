"""Judges the data of a run: all problems in one error, or a report of what passed."""

from collections.abc import Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from rankbeam.components.data_gate.label_checks import (
    NameRow,
    edge_name,
    funnel_problems,
    label_problems,
)
from rankbeam.components.data_gate.problems import Problem, Severity, message
from rankbeam.components.data_gate.report import DataGateReport, SplitReport
from rankbeam.components.data_gate.schema_checks import (
    anomaly_problems,
    column_statistics,
    null_problems,
)
from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.data_gate.tally import SplitTally
from rankbeam.transform.errors import GateError


@dataclass(frozen=True)
class SplitEvidence:
    """What is known about a split; None where it could not be had, which stops the run.

    Attributes:
        name: Of the split.
        tally: Counts of its labels, or why there are none.
        statistics: Of StatisticsGen.
        anomalies: Of ExampleValidator.
    """

    name: str
    tally: SplitTally | str
    statistics: statistics_pb2.DatasetFeatureStatisticsList | None
    anomalies: anomalies_pb2.Anomalies | None


def judge(
    splits: Sequence[SplitEvidence],
    schema: schema_pb2.Schema,
    options: DataGateOptions,
    name_row: NameRow,
    where: str,
) -> DataGateReport:
    """Let the data pass, or stop the run.

    Args:
        splits: Every split that must pass.
        schema: What the anomalies were found against.
        options: What to check.
        name_row: Names a row at fault.
        where: Where a person finds details.

    Raises:
        GateError: A check fails, or cannot be made.
    """
    tallies = {each.name: each.tally for each in splits if isinstance(each.tally, SplitTally)}
    found = funnel_problems(tallies, options, name_row)
    for split in splits:
        found += _unchecked(split)
        if isinstance(split.tally, SplitTally):
            found += _of_split(split, split.tally, schema, options, name_row)
    allowed = [problem for problem in found if _is_allowed(problem, options)]
    stopping = [problem for problem in found if not _is_allowed(problem, options)]
    if stopping:
        raise GateError(message(stopping, where))
    return DataGateReport(
        splits={name: _report(tally, options) for name, tally in tallies.items()},
        allowed=tuple(problem.text for problem in allowed),
    )


def _unchecked(split: SplitEvidence) -> list[Problem]:
    reasons = []
    if isinstance(split.tally, str):
        reasons.append(split.tally)
    if split.statistics is None:
        reasons.append("statistics must be there; got none")
    if split.anomalies is None:
        reasons.append("anomalies must be looked for; got no finding")
    elif split.anomalies.data_missing and isinstance(split.tally, SplitTally) and split.tally.rows:
        reasons.append(f"statistics must cover {split.tally.rows:,} rows; got none")
    return [Problem(Severity.UNCHECKED, f"{split.name}: {reason}") for reason in reasons]


def _of_split(
    split: SplitEvidence,
    tally: SplitTally,
    schema: schema_pb2.Schema,
    options: DataGateOptions,
    name_row: NameRow,
) -> list[Problem]:
    found = list(label_problems(split.name, tally, options, name_row))
    if tally.rows == 0 or split.statistics is None:
        return found
    statistics = column_statistics(split.statistics)
    found += null_problems(split.name, tally.rows, statistics, options)
    # TFDV sees most of what was just found a second time, and says less about it.
    told = {problem.column for problem in found}
    if split.anomalies is not None:
        found += [
            problem
            for problem in anomaly_problems(
                split.name, tally.rows, statistics, schema, split.anomalies
            )
            if problem.column is None or problem.column not in told
        ]
    return found


def _is_allowed(problem: Problem, options: DataGateOptions) -> bool:
    by_name = problem.severity in {Severity.NULL, Severity.ANOMALY}
    return by_name and problem.column in options.gate.allow_anomalies


def _report(tally: SplitTally, options: DataGateOptions) -> SplitReport:
    violations = {}
    for edge in options.funnel:
        fault = tally.fault("funnel", edge.label, edge.given)
        violations[edge_name(edge)] = fault.count if fault is not None else 0
    return SplitReport(
        rows=tally.rows, positives=dict(tally.positives), funnel_violations=violations
    )
