"""Bayes-optimal metrics: what a model that knew the true probabilities would score on a log.

No model that sees the log only can expect to beat these figures, so `model AUC / Bayes AUC` says
how much of what can be learnt was learnt. AUC and log loss accept probabilities as targets: they
then give the value expected over labels drawn from them, which is how a predicted conversion rate
is judged over *all* impressions, most of which were never clicked.

AUC is the Mann-Whitney statistic (Hanley and McNeil, 1982, "The meaning and use of the area under
a receiver operating characteristic curve"): the probability that a positive scores above a
negative, ties counting one half.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rankbeam.simulator.sampling import Bools, Floats

# Probabilities are kept this far from 0 and 1 before taking logarithms.
_LOG_EPSILON = 1e-15


@dataclasses.dataclass(frozen=True)
class Optimum:
    """Metrics of the true probabilities on one task.

    Attributes:
        examples: rows the task is measured on.
        positives: rows with label 1; for probabilities as targets, their sum.
        auc: area under the ROC curve.
        log_loss: mean cross-entropy in nats.
        calibration: sum of the true probabilities over the sum of the labels; 1 but for chance.
    """

    examples: int
    positives: float
    auc: float
    log_loss: float
    calibration: float


@dataclasses.dataclass(frozen=True)
class BayesOptimal:
    """Bayes-optimal metrics of a log.

    Labels are those of the log, so conversions lost to delay count as none and the matching true
    probability is multiplied by `p_observed`.

    Attributes:
        click: p_click against `click`, all rows.
        conversion_given_click: p_conversion_given_click against `conversion`, clicked rows.
        ctcvr: p_ctcvr against `conversion`, all rows.
        conversion_everywhere: p_conversion_given_click against itself as target, all rows: what a
            predicted conversion rate can reach over all impressions. Delay plays no part in it.
    """

    click: Optimum
    conversion_given_click: Optimum
    ctcvr: Optimum
    conversion_everywhere: Optimum


def bayes_optimal(log: pa.Table, truth: pa.Table) -> BayesOptimal:
    """Metrics of the true probabilities on the rows of `log`.

    Args:
        log: columns impression_id, click and conversion; any subset of a log, in any order.
        truth: `TRUTH_SCHEMA`, with at least the impressions of `log`.

    Raises:
        ValueError: an impression has no truth, or a task lacks positives or negatives.
    """
    known = align_truth(log.column("impression_id").to_numpy(), truth)
    click, conversion = _floats(log, "click"), _floats(log, "conversion")
    p_conversion = _floats(known, "p_conversion_given_click")
    p_observed = _floats(known, "p_observed")
    clicked = click == 1.0
    return BayesOptimal(
        click=_optimum(click, _floats(known, "p_click")),
        conversion_given_click=_optimum(conversion[clicked], (p_conversion * p_observed)[clicked]),
        ctcvr=_optimum(conversion, _floats(known, "p_ctcvr") * p_observed),
        conversion_everywhere=_optimum(p_conversion, p_conversion),
    )


def align_truth(impression_ids: npt.ArrayLike, truth: pa.Table) -> pa.Table:
    """The truth's rows for `impression_ids`, in their order.

    Args:
        impression_ids: (N,) int64.
        truth: `TRUTH_SCHEMA`, in any order.

    Raises:
        ValueError: `truth` has no row for one of the ids; the message names the first.
    """
    wanted = np.asarray(impression_ids)
    known = truth.column("impression_id").to_numpy()
    if np.array_equal(wanted, known):
        return truth
    if known.size == 0 and wanted.size:
        raise ValueError(f"the truth has no row for impression_id {wanted[0]}")
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order).clip(max=known.size - 1)
    rows = order[place]
    missing = np.flatnonzero(known[rows] != wanted)
    if missing.size:
        raise ValueError(f"the truth has no row for impression_id {wanted[missing[0]]}")
    return truth.take(pa.array(rows))


def auc(targets: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Area under the ROC curve, ties counting one half.

    AUC = sum_ij t_i (1 - t_j) ([s_i > s_j] + [s_i = s_j] / 2) / (sum_i t_i * sum_j (1 - t_j)),
    which for targets 0 and 1 is the Mann-Whitney statistic.

    Args:
        targets: (N,) labels, or probabilities of label 1.
        scores: (N,) finite; only their order matters.

    Raises:
        ValueError: shapes differ, a value is out of range, or one class is absent.
    """
    target, score = _checked(targets, scores)
    if not 0.0 < target.sum() < target.size:
        raise ValueError(
            f"AUC needs both classes; got {target.sum():g} positives in {target.size} rows"
        )
    _, tie = np.unique(score, return_inverse=True)
    positive = np.bincount(tie, weights=target)
    negative = np.bincount(tie, weights=1.0 - target)
    below = np.cumsum(negative) - negative
    wins = (positive * (below + 0.5 * negative)).sum()
    return float(wins / (positive.sum() * negative.sum()))


def log_loss(targets: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """Mean cross-entropy in nats, -mean(t log p + (1 - t) log(1 - p)).

    Args:
        targets: (N,) labels, or probabilities of label 1.
        predictions: (N,) in [0, 1], kept 1e-15 away from both ends.

    Raises:
        ValueError: no rows, shapes differ, or a value is out of range.
    """
    target, prediction = _checked(targets, predictions)
    _require_unit_interval("predictions", prediction)
    prediction = prediction.clip(_LOG_EPSILON, 1.0 - _LOG_EPSILON)
    loss = target * np.log(prediction) + (1.0 - target) * np.log1p(-prediction)
    return float(-loss.mean())


def calibration_ratio(targets: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """Sum of the predictions over the sum of the targets; above 1 means too high on average.

    Raises:
        ValueError: no rows, shapes differ, a value is out of range, or no target is positive.
    """
    target, prediction = _checked(targets, predictions)
    _require_unit_interval("predictions", prediction)
    if target.sum() == 0.0:
        raise ValueError(f"calibration needs positives; got none in {target.size} rows")
    return float(prediction.sum() / target.sum())


def _optimum(target: Floats, probability: Floats) -> Optimum:
    return Optimum(
        examples=target.size,
        positives=float(target.sum()),
        auc=auc(target, probability),
        log_loss=log_loss(target, probability),
        calibration=calibration_ratio(target, probability),
    )


def _floats(table: pa.Table, column: str) -> Floats:
    return np.asarray(table.column(column).to_numpy(), dtype=np.float64)


def _checked(targets: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Floats, Floats]:
    target = np.asarray(targets, dtype=np.float64)
    value = np.asarray(values, dtype=np.float64)
    if target.ndim != 1 or target.shape != value.shape:
        raise ValueError(
            "targets and predictions must be one-dimensional and equally long; "
            f"got shapes {target.shape} and {value.shape}"
        )
    if target.size == 0:
        raise ValueError("targets must not be empty; got 0 rows")
    _require_unit_interval("targets", target)
    _require(np.isfinite(value), "predictions must be finite", value)
    return target, value


def _require_unit_interval(name: str, values: Floats) -> None:
    _require((values >= 0.0) & (values <= 1.0), f"{name} must lie in [0, 1]", values)


def _require(is_good: Bools, rule: str, values: Floats) -> None:
    bad = np.flatnonzero(~is_good)
    if bad.size:
        raise ValueError(f"{rule}; got {values[bad[0]]} at row {bad[0]}")
