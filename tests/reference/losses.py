"""Losses of the funnel by their definitions, in float64 NumPy and row by row."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def sigmoid(z: float) -> float:
    """1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + math.exp(-z))


def cross_entropy(label: float, probability: float) -> float:
    """-y log p - (1 - y) log(1 - p)."""
    return -math.log(probability) if label == 1 else -math.log(1.0 - probability)


def masked_loss(labels: ArrayLike, logits: ArrayLike, counted: ArrayLike) -> float:
    """Mean cross-entropy over the rows that count; 0 where none does."""
    rows = list(zip(_flat(labels), _flat(logits), _flat(counted), strict=True))
    losses = [cross_entropy(y, sigmoid(z)) for y, z, keep in rows if keep]
    return sum(losses) / len(losses) if losses else 0.0


def esmm_losses(labels: Sequence[ArrayLike], logits: Sequence[ArrayLike]) -> list[float]:
    """Mean cross-entropy of each joint probability down one chain, over all rows."""
    columns = [
        list(zip(_flat(y), _flat(z), strict=True)) for y, z in zip(labels, logits, strict=True)
    ]
    rows = list(zip(*columns, strict=True))
    totals = [0.0] * len(labels)
    for row in rows:
        happened, probability = 1.0, 1.0
        for depth, (y, z) in enumerate(row):
            happened *= y
            probability *= sigmoid(z)
            totals[depth] += cross_entropy(happened, probability)
    return [total / len(rows) for total in totals]


def _flat(values: ArrayLike) -> list[float]:
    return [float(value) for value in np.asarray(values).ravel()]
