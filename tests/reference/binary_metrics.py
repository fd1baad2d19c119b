"""Metrics of binary outcomes by the plainest means: loops, and scikit-learn."""

import math

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = npt.NDArray[np.float64]
Rows = tuple[Floats, Floats, Floats]


def random_rows(num_rows: int, seed: int, digits: int | None = None) -> Rows:
    """Labels, float32 predictions and weights; `digits` rounds predictions so that they tie."""
    generator = np.random.default_rng(seed)
    scores = generator.beta(1.2, 6.0, num_rows)
    labels = (generator.random(num_rows) < scores).astype(np.float64)
    noisy = np.clip(scores + generator.normal(0, 0.05, num_rows), 0, 1)
    if digits is not None:
        noisy = np.round(noisy, digits)
    weights = generator.integers(0, 4, num_rows).astype(np.float64)
    return labels, noisy.astype(np.float32).astype(np.float64), weights


def auc_by_pairs(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Share of (positive, negative) pairs in the right order, ties counting one half."""
    won = total = 0.0
    for label, prediction, weight in zip(labels, predictions, weights, strict=True):
        if not label:
            continue
        for other, rival, rival_weight in zip(labels, predictions, weights, strict=True):
            if other:
                continue
            total += weight * rival_weight
            won += weight * rival_weight * (0.5 * (prediction == rival) + (prediction > rival))
    return won / total


def auc(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """scikit-learn's area under the ROC curve."""
    return float(roc_auc_score(labels, predictions, sample_weight=weights))


def average_precision(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """scikit-learn's average precision."""
    return float(average_precision_score(labels, predictions, sample_weight=weights))


def log_loss(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Weighted mean of the cross-entropy, clipped at 1e-7."""
    loss = 0.0
    for label, prediction, weight in zip(labels, predictions, weights, strict=True):
        p = min(max(prediction, 1e-7), 1 - 1e-7)
        loss -= weight * (math.log(p) if label else math.log(1 - p))
    return loss / float(np.sum(weights))


def normalized_entropy(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Log loss over that of always predicting the base rate."""
    rate = float(np.average(labels, weights=weights))
    constant = np.full_like(predictions, rate)
    return log_loss(labels, predictions, weights) / log_loss(labels, constant, weights)


def calibration(labels: Floats, predictions: Floats, weights: Floats) -> float:
    """Mean prediction over mean label."""
    return float(np.average(predictions, weights=weights) / np.average(labels, weights=weights))


def ece(labels: Floats, predictions: Floats, weights: Floats, num_bins: int = 15) -> float:
    """Expected calibration error over equal-width bins, the last one closed."""
    error = 0.0
    for index in range(num_bins):
        low, high = index / num_bins, (index + 1) / num_bins
        inside = (predictions >= low) & (predictions < high)
        if index == num_bins - 1:
            inside |= predictions == 1
        mass = float(np.sum(weights[inside]))
        if mass:
            rate = float(np.average(labels[inside], weights=weights[inside]))
            mean = float(np.average(predictions[inside], weights=weights[inside]))
            error += mass * abs(rate - mean)
    return error / float(np.sum(weights))
