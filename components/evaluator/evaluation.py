"""What an evaluation found, as plain values for progress views, messages and reports."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rankbeam.components.evaluator.catalog import Metric
from rankbeam.components.evaluator.slices import SliceKey


@dataclass(frozen=True)
class CalibrationPoint:
    """A group of rows with neighbouring predictions.

    Attributes:
        prediction: Weighted mean of the predictions.
        rate: Weighted mean of the labels.
        weight: Sum of the weights.
    """

    prediction: float
    rate: float
    weight: float


@dataclass(frozen=True)
class SliceEvaluation:
    """One output in one slice.

    Attributes:
        key: (column, value) pairs, sorted by column; empty for all rows.
        metrics: The candidate's values; NaN where a metric is undefined.
        baseline: The values of the last blessed model; empty where there is none.
        calibration: The calibration plot, ascending in the prediction; empty where there is none.
    """

    key: SliceKey
    metrics: Mapping[Metric, float]
    baseline: Mapping[Metric, float]
    calibration: tuple[CalibrationPoint, ...]


@dataclass(frozen=True)
class OutputEvaluation:
    """One output of the model: all rows first, then the slices.

    Attributes:
        name: The output.
        slices: By number of columns, then columns, then values; empty where no row was evaluated.
    """

    name: str
    slices: tuple[SliceEvaluation, ...]

    @property
    def overall(self) -> SliceEvaluation | None:
        """The slice of all rows; None where no row was evaluated."""
        return next((part for part in self.slices if not part.key), None)


@dataclass(frozen=True)
class Evaluation:
    """The verdict on a candidate and what it rests on.

    Attributes:
        blessed: Every gate passed.
        failures: One sentence per gate that did not.
        outputs: In the order of the funnel.
    """

    blessed: bool
    failures: tuple[str, ...]
    outputs: tuple[OutputEvaluation, ...]

    @property
    def has_baseline(self) -> bool:
        """Whether there was a blessed model to compare with."""
        return any(part.baseline for output in self.outputs for part in output.slices)


def slice_name(key: SliceKey) -> str:
    """`all rows`, or `country=de, device=mobile`."""
    return ", ".join(f"{column}={value}" for column, value in key) or "all rows"


def number(value: float) -> str:
    """Four significant digits, counts in full, and a dash for what is undefined."""
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if value.is_integer() and abs(value) >= 1 else f"{value:.4g}"
