"""The metrics by name: what each is called in a report, which way is better, what it can be."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Metric = Literal[
    "auc",
    "pr_auc",
    "log_loss",
    "normalized_entropy",
    "calibration",
    "ece",
    "example_count",
]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class MetricInfo:
    """What a reader, a gate and a check need to know of a metric.

    Attributes:
        title: Column head in a report.
        better: Direction of quality; `neither` where no change is better in itself.
        largest: Largest possible value; the smallest is 0 for every metric.
    """

    title: str
    better: Better
    largest: float = math.inf


METRICS: Mapping[Metric, MetricInfo] = {
    "auc": MetricInfo("AUC", "higher", 1.0),
    "pr_auc": MetricInfo("PR-AUC", "higher", 1.0),
    "log_loss": MetricInfo("Log loss", "lower"),
    "normalized_entropy": MetricInfo("Normalized entropy", "lower"),
    "calibration": MetricInfo("Calibration", "neither"),
    "ece": MetricInfo("ECE", "lower", 1.0),
    "example_count": MetricInfo("Examples", "neither"),
}
