"""Each metric as a formula on a `ScoreSummary`, with its definition and its undefined cases.

Symbols: w weight, y label, p prediction; W = Σw, P = Σwy, N = W - P. A metric that is undefined is
NaN, and NaN passes no gate. All are NaN where a row is invalid (see `ScoreSummary`), except the
count.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rankbeam.components.evaluator.catalog import Metric
from rankbeam.components.evaluator.metrics.summary import (
    LABEL,
    PREDICTION,
    WEIGHT,
    Floats,
    ScoreSummary,
)

RELIABILITY_BUCKETS = 20


def auc(summary: ScoreSummary) -> float:
    """Area under the ROC curve: P(p of a positive > p of a negative), ties counting one half.

    Exact while no predictions are merged. Merged ones count as ties, so the error is at most
    half of Σ over keys (share of positives × share of negatives in the key); NaN for one class.
    """
    positives, negatives = _classes(summary)
    pairs = positives.sum() * negatives.sum()
    if pairs <= 0:
        return math.nan
    below = np.cumsum(negatives) - negatives
    return float(np.dot(positives, below + negatives / 2) / pairs)


def pr_auc(summary: ScoreSummary) -> float:
    """Average precision: Σ over thresholds, from the highest, of (R_k - R_{k-1}) × P_k.

    The step sum, without interpolation between thresholds (which is optimistic: Davis & Goadrich,
    ICML 2006). NaN without positives.
    """
    positives, negatives = (masses[::-1] for masses in _classes(summary))
    total = positives.sum()
    if total <= 0:
        return math.nan
    found = np.cumsum(positives)
    precision = found / (found + np.cumsum(negatives))
    return float(np.dot(positives, precision) / total)


def log_loss(summary: ScoreSummary) -> float:
    """Mean cross-entropy in nats, -Σ w (y ln p + (1 - y) ln(1 - p)) / W.

    p is clipped to [1e-7, 1 - 1e-7], so that one certain mistake costs 16 nats, not infinity.
    """
    total = _totals(summary)[WEIGHT]
    return float(summary.log_loss / total) if total > 0 else math.nan


def normalized_entropy(summary: ScoreSummary) -> float:
    """Log loss over the entropy of the base rate P/W (He et al., ADKDD 2014, equation 1).

    1 is what the base rate alone achieves; less is better. NaN for one class.
    """
    total, positive, _ = _totals(summary)
    if not 0 < positive < total:
        return math.nan
    rate = positive / total
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log1p(-rate))
    return float(log_loss(summary) / entropy)


def calibration(summary: ScoreSummary) -> float:
    """Expected positives over observed ones, Σwp / Σwy; 1 is calibrated. NaN without positives."""
    _, positive, predicted = _totals(summary)
    return float(predicted / positive) if positive > 0 else math.nan


def ece(summary: ScoreSummary) -> float:
    """Expected calibration error, Σ_b |Σ_b wy - Σ_b wp| / W over 15 equal-width bins.

    Naeini et al., AAAI 2015, with the number of bins of Guo et al., ICML 2017. The last bin
    includes 1. Where predictions are rare events, most rows share the first bin.
    """
    total = _totals(summary)[WEIGHT]
    if not total > 0:
        return math.nan
    gaps = np.abs(summary.bins[:, LABEL] - summary.bins[:, PREDICTION])
    return float(gaps.sum() / total)


def example_count(summary: ScoreSummary) -> float:
    """Rows that the output is measured on: those of weight other than 0, each counted once."""
    return float(summary.rows)


FORMULAS: Mapping[Metric, Callable[[ScoreSummary], float]] = {
    "auc": auc,
    "pr_auc": pr_auc,
    "log_loss": log_loss,
    "normalized_entropy": normalized_entropy,
    "calibration": calibration,
    "ece": ece,
    "example_count": example_count,
}


def evaluate(metric: Metric, summary: ScoreSummary) -> float:
    """The value of `metric`; NaN where a row is invalid or the metric is undefined."""
    if summary.invalid_rows and metric != "example_count":
        return math.nan
    return FORMULAS[metric](summary)


@dataclass(frozen=True)
class ReliabilityBucket:
    """A group of neighbouring predictions.

    Attributes:
        lower: Smallest mean prediction among the bucket's keys; 0 for the first bucket.
        weight: Σw.
        label: Σwy.
        prediction: Σwp.
    """

    lower: float
    weight: float
    label: float
    prediction: float


def reliability(
    summary: ScoreSummary, num_buckets: int = RELIABILITY_BUCKETS
) -> tuple[ReliabilityBucket, ...]:
    """The calibration plot: at most `num_buckets` buckets of about equal weight, by prediction.

    Equal weight, not equal width: rare events have all their predictions in one narrow range.
    Empty where nothing counts or a row is invalid.
    """
    weights = summary.scores[:, WEIGHT]
    if summary.invalid_rows or not len(weights):
        return ()
    middle = (np.cumsum(weights) - weights / 2) / weights.sum()
    starts = np.flatnonzero(np.diff((middle * num_buckets).astype(np.int64), prepend=-1))
    sums = np.add.reduceat(summary.scores, starts, axis=0)
    lowest = summary.scores[starts, PREDICTION] / weights[starts]
    lowest[0] = 0.0
    return tuple(
        ReliabilityBucket(float(lower), *map(float, row))
        for lower, row in zip(lowest, sums, strict=True)
    )


def _totals(summary: ScoreSummary) -> Floats:
    totals: Floats = summary.bins.sum(axis=0)
    return totals


def _classes(summary: ScoreSummary) -> tuple[Floats, Floats]:
    positives = summary.scores[:, LABEL]
    return positives, np.maximum(summary.scores[:, WEIGHT] - positives, 0.0)
