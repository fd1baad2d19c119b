"""Shuffles rows that come in parts and do not fit in memory, whole arrays at a time. Pure.

TensorFlow's own shuffle takes one serialized row after the other, which costs more than parsing it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
"""Column name to an array with one row for each example."""


def shuffled_batches(
    parts: Iterable[Arrays], size: int, window: int, seed: int
) -> Iterator[Arrays]:
    """All rows once, in batches of `size` (the last may be smaller).

    Rows gather until there are `window` of them; they are shuffled, about half of them leave, and
    the others stay to be shuffled with those that come. Up to `window` rows the shuffle is exact;
    of more, a row leaves at most some windows after its place. The order depends on rows, sizes and
    seed alone, not on how the rows are cut into parts of equal size.

    Args:
        parts: Rows in their stored order; all parts have the same columns.
        size: Rows of a batch.
        window: Rows that are shuffled together, at least two batches' worth.
        seed: Of the order.
    """
    rng = np.random.default_rng(seed)
    waiting: list[Arrays] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += _rows(part)
        if rows >= max(window, 2 * size):
            mixed = _mixed(waiting, rows, rng)
            leaving = rows // 2 // size * size
            yield from _cut(mixed, leaving, size)
            waiting = [{name: column[leaving:] for name, column in mixed.items()}]
            rows -= leaving
    if rows:
        yield from _cut(_mixed(waiting, rows, rng), rows, size)


def _rows(part: Arrays) -> int:
    return len(next(iter(part.values())))


def _mixed(parts: list[Arrays], rows: int, rng: np.random.Generator) -> Arrays:
    order = rng.permutation(rows)
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def _cut(rows: Arrays, end: int, size: int) -> Iterator[Arrays]:
    for start in range(0, end, size):
        stop = min(start + size, end)
        yield {name: column[start:stop] for name, column in rows.items()}
