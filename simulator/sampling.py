"""Random streams and small sampling tools shared by the simulator's modules."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Stream(IntEnum):
    """Independent random streams of one seed, so that one can grow without moving another."""

    USERS = 0
    OFFERS = 1
    PILOT = 2
    LOG = 3


def generator(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The random generator of (seed, stream, key); distinct keys are independent."""
    sequence = np.random.SeedSequence(seed, spawn_key=(int(stream), *key))
    return np.random.Generator(np.random.PCG64DXSM(sequence))


def power_law(size: int, exponent: float) -> Floats:
    """Probabilities proportional to rank**-exponent for ranks 1..size; shape (size,)."""
    weights: Floats = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum())


def cumulative(weights: Floats) -> Floats:
    """Running sums along the last axis, scaled so that the last one is exactly 1."""
    sums = np.cumsum(weights, axis=-1)
    return np.asarray(sums / sums[..., -1:], dtype=np.float64)


def choose(cumulative_weights: Floats, uniforms: Floats) -> Ints:
    """Inverse-CDF sampling: the index whose interval of the unit line holds each uniform."""
    return np.searchsorted(cumulative_weights, uniforms, side="right").astype(np.int64)


def choose_by_row(cumulative_rows: Floats, rows: Ints, uniforms: Floats) -> Ints:
    """Inverse-CDF sampling where row i draws from the distribution `cumulative_rows[rows[i]]`.

    The rows are laid end to end on one line, row r on [r, r + 1), so that a single binary search
    serves all of them.

    Args:
        cumulative_rows: (R, K), each row as `cumulative` gives it.
        rows: (N,) in [0, R).
        uniforms: (N,) in [0, 1).

    Returns:
        (N,) indices in [0, K).
    """
    count, width = cumulative_rows.shape
    line = (cumulative_rows + np.arange(count, dtype=np.float64)[:, None]).ravel()
    # rows + uniforms may round up to the next row's start; stay below it.
    points = np.minimum(rows + uniforms, np.nextafter(rows + 1.0, 0.0))
    return (np.searchsorted(line, points, side="right") - rows * width).astype(np.int64)


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), elementwise."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float64)
