"""A mergeable summary of (label, prediction, weight) from which every metric here follows.

Per distinct prediction the summary keeps three sums: weight, weight × label and
weight × prediction. That is exact as long as there are at most `MAX_SCORES` distinct predictions.
Beyond it, neighbouring predictions share one entry: the entry's key is the float32 bit pattern of
min(p, 1 - p), so dropping its low bits bounds the *relative* error of p near 0 and of 1 - p near 1
alike, which equal-width bins do not (a rate of 0.1 % would fall into a few of them). The sums that
AUC and average precision do not need (log loss, calibration, ECE) are kept apart and stay exact.

How many low bits are dropped depends on the set of predictions alone, never on batches or order:
a part of the data never has more distinct keys than the whole, so it never drops more bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint32]

MAX_SCORES = 2**14
ECE_BINS = 15
LOG_LOSS_EPSILON = 1e-7

WEIGHT, LABEL, PREDICTION = range(3)
_HALF = np.float32(0.5)
_HALF_KEY = np.uint32(_HALF.view(np.uint32))


@dataclass(frozen=True)
class ScoreSummary:
    """Sums over the rows that count, that is, over the rows with weight other than 0.

    Attributes:
        dropped_bits: Low bits dropped from each key; 0 means that nothing was merged.
        keys: (K,) distinct keys, ascending with the prediction.
        scores: (K, 3) Σ weight, Σ weight × label, Σ weight × prediction per key.
        bins: (ECE_BINS, 3) the same sums per equal-width bin of the prediction.
        log_loss: Σ weight × cross-entropy in nats, predictions clipped by `LOG_LOSS_EPSILON`.
        rows: Rows that count.
        invalid_rows: Those among them whose label or prediction is not within [0, 1], or whose
            weight is not a positive number; they are in no sum, and no metric is defined.
    """

    dropped_bits: int
    keys: Keys
    scores: Floats
    bins: Floats
    log_loss: float
    rows: int
    invalid_rows: int


EMPTY = ScoreSummary(
    dropped_bits=0,
    keys=np.zeros(0, np.uint32),
    scores=np.zeros((0, 3)),
    bins=np.zeros((ECE_BINS, 3)),
    log_loss=0.0,
    rows=0,
    invalid_rows=0,
)


def summarize(labels: Floats, predictions: Floats, weights: Floats) -> ScoreSummary:
    """Summary of rows.

    Args:
        labels: (N,) outcomes, 0 or 1.
        predictions: (N,) probabilities; told apart at float32.
        weights: (N,) weights; rows of weight 0 are as good as absent.
    """
    counted = weights != 0
    labels, predictions, weights = labels[counted], predictions[counted], weights[counted]
    # Comparisons with NaN are false, so NaN counts as invalid.
    valid = (
        (labels >= 0)
        & (labels <= 1)
        & (predictions >= 0)
        & (predictions <= 1)
        & (weights > 0)
        & np.isfinite(weights)
    )
    invalid = int(len(valid) - np.count_nonzero(valid))
    if invalid:
        labels, predictions, weights = labels[valid], predictions[valid], weights[valid]
    sums = np.stack([weights, weights * labels, weights * predictions], axis=1)
    bins = np.minimum((predictions * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    keys, scores, dropped = _group(_keys(predictions), sums, 0)
    return ScoreSummary(
        dropped_bits=dropped,
        keys=keys,
        scores=scores,
        bins=_sum_by(bins, sums, ECE_BINS),
        log_loss=_cross_entropy(labels, predictions, weights),
        rows=len(valid),
        invalid_rows=invalid,
    )


def merge(summaries: Sequence[ScoreSummary]) -> ScoreSummary:
    """Summary of all the rows of `summaries`; their order changes nothing but float rounding."""
    if not summaries:
        return EMPTY
    if len(summaries) == 1:
        return summaries[0]
    dropped = max(summary.dropped_bits for summary in summaries)
    aligned = [s.keys >> np.uint32(dropped - s.dropped_bits) for s in summaries]
    scores = np.concatenate([s.scores for s in summaries])
    keys, scores, dropped = _group(np.concatenate(aligned), scores, dropped)
    return ScoreSummary(
        dropped_bits=dropped,
        keys=keys,
        scores=scores,
        bins=np.sum([s.bins for s in summaries], axis=0),
        log_loss=sum(s.log_loss for s in summaries),
        rows=sum(s.rows for s in summaries),
        invalid_rows=sum(s.invalid_rows for s in summaries),
    )


def _keys(predictions: Floats) -> Keys:
    """Order-preserving integers, one per float32 prediction in [0, 1].

    Bit patterns of non-negative floats sort as the floats do. Above 1/2 the pattern is that of
    1 - p, which float32 holds exactly there, counted down from twice the pattern of 1/2.
    """
    single = predictions.astype(np.float32)
    upper = single > _HALF
    # Adding 0 turns -0.0, whose pattern is large, into 0.0.
    folded = np.where(upper, np.float32(1) - single, single) + np.float32(0)
    bits = folded.astype(np.float32).view(np.uint32)
    return np.where(upper, np.uint32(2) * _HALF_KEY - bits, bits)


def _group(keys: Keys, sums: Floats, dropped: int) -> tuple[Keys, Floats, int]:
    distinct, inverse = np.unique(keys, return_inverse=True)
    while len(distinct) > MAX_SCORES:
        keys = keys >> np.uint32(1)
        dropped += 1
        distinct, inverse = np.unique(keys, return_inverse=True)
    return distinct, _sum_by(inverse, sums, len(distinct)), dropped


def _sum_by(groups: npt.NDArray[np.int64], sums: Floats, num_groups: int) -> Floats:
    columns = [np.bincount(groups, column, minlength=num_groups) for column in sums.T]
    return np.stack(columns, axis=1)


def _cross_entropy(labels: Floats, predictions: Floats, weights: Floats) -> float:
    clipped = np.clip(predictions, LOG_LOSS_EPSILON, 1 - LOG_LOSS_EPSILON)
    losses = labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)
    return -float(np.sum(weights * losses))
