"""Which rows are evaluated."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from rankbeam.components.example_gen.chunks import BadValue, Chunk
from rankbeam.components.example_gen.entity_hash import entity_is_eval
from rankbeam.components.example_gen.spec import EntityHashSplit, RowHashSplit, TimeSplit
from rankbeam.components.example_gen.times import Times, boundary_moment, last_fraction, read_times

EvalMask = npt.NDArray[np.bool_]
"""[rows] true for eval, false for train."""

Rows = Callable[[tuple[str, ...]], Iterator[Chunk]]
"""Reads all rows from the start, with the columns named."""


class Splitter(ABC):
    """Says of each row whether it is evaluated."""

    @abstractmethod
    def is_eval(self, chunk: Chunk) -> EvalMask:
        """Where the chunk's rows are evaluated.

        Raises:
            DataError: The column that decides does not hold what it must.
            ConfigError: The boundary in time does not fit the column.
        """


def make_splitter(split: EntityHashSplit | RowHashSplit | TimeSplit, rows: Rows) -> Splitter:
    """The splitter of a config's split.

    Args:
        split: The config's split.
        rows: Reads the rows, where the split must see all of them first.

    Raises:
        DataError: No boundary in time can be found.
    """
    if isinstance(split, EntityHashSplit):
        return _EntityHash(split)
    if isinstance(split, RowHashSplit):
        return _RowHash(split)
    if split.eval_fraction is not None:
        return _TimeFraction(split.column, split.eval_fraction, rows)
    assert split.boundary is not None  # one of the two is set, as TimeSplit checks
    return _TimeBoundary(split.column, split.boundary)


class _EntityHash(Splitter):
    def __init__(self, split: EntityHashSplit) -> None:
        self._split = split

    def is_eval(self, chunk: Chunk) -> EvalMask:
        with chunk.locating(self._split.column):
            return entity_is_eval(chunk.column(self._split.column), self._split)


class _RowHash(Splitter):
    def __init__(self, split: RowHashSplit) -> None:
        self._split = split

    def is_eval(self, chunk: Chunk) -> EvalMask:
        modulus, remainder = self._split.modulus, self._split.eval_remainder
        rows = range(chunk.index, chunk.index + chunk.batch.num_rows)
        return np.array([zlib.crc32(b"%d" % i) % modulus == remainder for i in rows], dtype=bool)


class _TimeBoundary(Splitter):
    def __init__(self, column: str, boundary: float | str) -> None:
        self._times = _TimeColumn(column)
        self._boundary = boundary

    def is_eval(self, chunk: Chunk) -> EvalMask:
        times = self._times.read(chunk)
        later: EvalMask = times.moments >= boundary_moment(self._boundary, times.are_stamps)
        return later


class _TimeFraction(Splitter):
    def __init__(self, column: str, eval_fraction: float, rows: Rows) -> None:
        self._times = _TimeColumn(column)
        moments = [self._times.read(chunk).moments for chunk in rows((column,))]
        # Without rows there is nothing to ask.
        self._boundary = last_fraction(np.concatenate(moments), eval_fraction) if moments else 0

    def is_eval(self, chunk: Chunk) -> EvalMask:
        later: EvalMask = self._times.read(chunk).moments >= self._boundary
        return later


class _TimeColumn:
    """Reads a column of times, of one sort throughout."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._are_stamps: bool | None = None

    def read(self, chunk: Chunk) -> Times:
        with chunk.locating(self._column):
            values = chunk.column(self._column)
            times = read_times(values)
            if self._are_stamps not in (None, times.are_stamps):
                raise BadValue("must hold either numbers or times throughout", values[0].as_py(), 0)
        self._are_stamps = times.are_stamps
        return times
