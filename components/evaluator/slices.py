"""Which rows of a batch belong to which slice, by grouping instead of by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rankbeam.components.evaluator.spec import SliceValue

Ints = npt.NDArray[np.int64]
SliceKey = tuple[tuple[str, SliceValue], ...]


@dataclass(frozen=True)
class SliceColumn:
    """A column with any number of values per row.

    Attributes:
        values: (K,) distinct values.
        codes: (V,) index into `values` of every value, row after row.
        lengths: (N,) number of values of each row, summing to V.
    """

    values: Sequence[SliceValue]
    codes: Ints
    lengths: Ints


def group_rows(
    columns: Mapping[str, SliceColumn], crosses: Sequence[Sequence[str]], num_rows: int
) -> Iterator[tuple[SliceKey, Ints]]:
    """The slices of a batch.

    A row belongs to one slice per combination of its columns' values, so to none where a column
    is missing, and to several where a column is multivalent.

    Args:
        columns: The columns that `crosses` name.
        crosses: Column lists; the empty one stands for the slice of all rows.
        num_rows: N.

    Yields:
        Each slice's key, sorted by column as TFMA has it, and its ascending row indices.
    """
    for cross in crosses:
        names = sorted(cross)
        rows, codes = _combine([columns[name] for name in names], num_rows)
        for group in _groups(codes):
            # Every member of the group has the same codes; a row counts once in a slice even
            # where it names the value twice.
            key = tuple(
                (name, columns[name].values[code])
                for name, code in zip(names, codes[group[0]], strict=True)
            )
            yield key, np.unique(rows[group])


def _combine(columns: Sequence[SliceColumn], num_rows: int) -> tuple[Ints, Ints]:
    """(M,) rows and (M, C) value codes of every combination of the rows' values."""
    rows = np.arange(num_rows, dtype=np.int64)
    codes = np.zeros((num_rows, 0), np.int64)
    for column in columns:
        starts = np.cumsum(column.lengths) - column.lengths
        repeats = column.lengths[rows]
        entry = np.repeat(np.arange(len(rows)), repeats)
        offset = np.arange(len(entry)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        rows = rows[entry]
        codes = np.column_stack([codes[entry], column.codes[starts[rows] + offset]])
    return rows, codes


def _groups(codes: Ints) -> list[Ints]:
    """Indices of equal rows of `codes`, ascending within each group."""
    if not len(codes):
        return []
    label = np.zeros(len(codes), np.int64)
    for column in codes.T:
        _, label = np.unique(label * (column.max() + 1) + column, return_inverse=True)
    order = np.argsort(label, kind="stable")
    boundaries = np.flatnonzero(np.diff(label[order])) + 1
    return np.split(order, boundaries)
