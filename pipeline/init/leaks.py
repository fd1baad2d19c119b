"""Finds columns that only exist because the outcome is known."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.pipeline.init.columns import Bools, Column
from rankbeam.pipeline.init.labels import Label
from rankbeam.pipeline.init.names import PROPENSITIES, tokens

# Coincidences of this probability are no evidence; there are many columns to be unlucky with.
_CHANCE = 1e-6
_FEWEST_OUTCOMES = 20


def leak(column: Column, labels: Sequence[Label]) -> str | None:
    """Why `column` must not be an input; None where nothing speaks against it."""
    if tokens(column.name) & PROPENSITIES:
        return "the logging policy's probability, unknown when a request is served"
    occurs = _occurs(column)
    # The rarest outcome says most about when the column comes to be.
    for label in sorted(labels, key=lambda label: label.positives):
        if _only_with(occurs, label):
            verb = "non-zero" if column.kind in {"int", "float"} else "there"
            return f"leaks the outcome: {verb} only where {label.column} is 1"
        if _decides(column, label):
            return f"leaks the outcome: each of its values decides {label.column}"
    return None


def _occurs(column: Column) -> Bools:
    """(rows,) whether there is a value, other than zero where it is a number."""
    there = ~column.missing
    if column.kind in {"int", "float"}:
        there &= column.numbers != 0.0
    return there


def _only_with(occurs: Bools, label: Label) -> bool:
    count = int(occurs.sum())
    if count == 0 or bool(np.any(occurs & ~label.happened)):
        return False
    # The least that chance allows; the logarithm keeps a long product from vanishing.
    return bool(count * np.log(label.rate) < np.log(_CHANCE))


def _decides(column: Column, label: Label) -> bool:
    """Whether rows of equal value have equal outcomes, with many rows for each value."""
    few = column.kind in {"text", "int"} and 2 <= column.distinct <= column.rows / 100
    negatives = label.happened.size - label.positives
    if not few or min(label.positives, negatives) < _FEWEST_OUTCOMES:
        return False
    table = pa.table({"value": column.values, "label": label.happened.astype(np.int8)})
    groups = table.group_by("value").aggregate([("label", "min"), ("label", "max")])
    return bool(pc.all(pc.equal(groups["label_min"], groups["label_max"])).as_py())
