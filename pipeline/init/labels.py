"""Finds the outcomes among the columns, and the funnel that they form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc

from rankbeam.pipeline.init.columns import Bools, Column
from rankbeam.pipeline.init.names import OUTCOMES, identifier, is_outcome
from rankbeam.transform.errors import DataError

# A deeper outcome lies within an upper one by chance with at most this probability.
_CHANCE = 1e-3
_YES = {"1", "yes", "y", "true", "t", "positive", *OUTCOMES}


@dataclass(frozen=True)
class Label:
    """One outcome.

    Attributes:
        column: Label column of the examples.
        task: Name of its task.
        happened: (rows,) whether it is 1.
        given: Task that must have happened first, where the outcomes are nested.
        source: Column that it is derived from; None where it is a column of the log.
        is_in: Values of `source` that mean 1.
        guessed: Whether nothing but its place in the table speaks for it.
    """

    column: str
    task: str
    happened: Bools
    given: str | None = None
    source: str | None = None
    is_in: tuple[str, ...] = ()
    guessed: bool = False

    @property
    def positives(self) -> int:
        """Rows in which it happened."""
        return int(self.happened.sum())

    @property
    def rate(self) -> float:
        """Share of rows in which it happened."""
        return self.positives / self.happened.size


def find_labels(columns: Sequence[Column]) -> list[Label]:
    """The outcomes, the most frequent first.

    Columns of 0 and 1 that are named like outcomes; where there is none, a column of two values
    that is named like one; where there is none either, the last column if it has two values.

    Raises:
        DataError: None of these is there.
    """
    named = [column for column in columns if is_outcome(column.name)]
    labels = _distinct_names([_direct(column) for column in named if _is_binary(column)])
    if not labels:
        labels = [_derived(column) for column in named if _has_two_values(column)][:1]
    if not labels and columns and _has_two_values(columns[-1]):
        last = columns[-1]
        label = _direct(last) if _is_binary(last) else _derived(last)
        labels = [replace(label, guessed=True)]
    if not labels:
        raise DataError(_nothing_found(columns))
    return _nested(sorted(labels, key=lambda label: -label.positives))


def _is_binary(column: Column) -> bool:
    """Whether every row is 0 or 1, and both occur."""
    if column.kind not in {"int", "float"} or column.present < column.rows:
        return False
    return set(np.unique(column.numbers)) == {0.0, 1.0}


def _has_two_values(column: Column) -> bool:
    looked_up = column.kind in {"text", "int"}
    return looked_up and column.present == column.rows and column.distinct == 2


def _direct(column: Column) -> Label:
    return Label(column.name, identifier(column.name, set()), column.numbers == 1.0)


def _derived(column: Column) -> Label:
    frequent, rare = column.frequent(2)
    yes = frequent if frequent.lower() in _YES and rare.lower() not in _YES else rare
    happened = np.asarray(pc.equal(column.as_text(), yes))
    task = identifier(column.name, set())
    return Label(f"{task}_label", task, happened, source=column.name, is_in=(yes,))


def _distinct_names(labels: Sequence[Label]) -> list[Label]:
    taken: set[str] = set()
    renamed = []
    for label in labels:
        task = identifier(label.task, taken)
        taken.add(task)
        renamed.append(replace(label, task=task))
    return renamed


def _nested(labels: Sequence[Label]) -> list[Label]:
    """Each label with the rarest other one that it implies as its condition."""
    found = []
    for label in labels:
        above = [other for other in labels if _implies(label, other)]
        given = min(above, key=lambda other: other.positives).task if above else None
        found.append(replace(label, given=given))
    return found


def _implies(deeper: Label, upper: Label) -> bool:
    if deeper is upper or deeper.positives >= upper.positives:
        return False
    inside = not bool(np.any(deeper.happened & ~upper.happened))
    return inside and upper.rate**deeper.positives < _CHANCE


def _nothing_found(columns: Sequence[Column]) -> str:
    names = ", ".join(column.name or '""' for column in columns)
    binary = ", ".join(column.name for column in columns if _is_binary(column)) or "none"
    constant = [
        column.name for column in columns if is_outcome(column.name) and column.distinct < 2
    ]
    hint = f"; {', '.join(constant)} is constant in the rows looked at" if constant else ""
    return (
        "data must have a label: a column of 0 and 1 named like click, visit, conversion or "
        f"label; got columns {names}, of which hold only 0 and 1: {binary}{hint}"
    )
