"""Splitting by time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen import lists, text, values
from rankbeam.components.example_gen.chunks import BadValue
from rankbeam.transform.errors import ConfigError, DataError

Moments = npt.NDArray[np.number[Any]]


@dataclass(frozen=True)
class Times:
    """The times of a batch of rows.

    Attributes:
        moments: [rows] microseconds since 1970-01-01 UTC for timestamps, dates and ISO 8601 text;
            otherwise numbers as the source holds them.
        are_stamps: Whether the moments are such microseconds.
    """

    moments: Moments
    are_stamps: bool


def read_times(column: pa.Array) -> Times:
    """The times of a batch.

    Args:
        column: [rows] numbers, timestamps, dates or text, or lists of at most one.

    Raises:
        BadValue: A time is missing, or is none of these.
    """
    singles = lists.only(column)
    stamps = pa.types.is_timestamp(singles.type) or pa.types.is_date(singles.type)
    wide = values.widen(singles)
    if pa.types.is_binary(wide.type):
        stamps = not text.are_numbers(wide)
        wide = text.times_of_text(wide) if stamps else text.floats_of_text(wide)
    if wide.null_count:
        row = pc.index(wide.is_valid(), False).as_py()
        raise BadValue("splits by time, so every row must have one", singles[row].as_py(), row)
    return Times(wide.to_numpy(zero_copy_only=False), bool(stamps))


def boundary_moment(boundary: float | str, are_stamps: bool) -> float | int:
    """The config's boundary, comparable with `Times.moments`.

    Raises:
        ConfigError: The column holds timestamps and the boundary is no ISO 8601 text, or the
            column holds numbers and the boundary is none.
    """
    if not are_stamps:
        if isinstance(boundary, str):
            raise ConfigError(
                f"data.split.boundary must be a number, as the column is; got {boundary!r}"
            )
        return boundary
    try:
        if isinstance(boundary, str):
            moment: int = text.times_of_text(pa.array([boundary.encode()]))[0].as_py()
            return moment
    except BadValue:
        pass
    raise ConfigError(
        "data.split.boundary must be an ISO 8601 time, as the column holds timestamps; "
        f"got {boundary!r}"
    )


def last_fraction(moments: Moments, eval_fraction: float) -> float | int:
    """The boundary that leaves nearest to `eval_fraction` of the rows at or after it.

    Of two equally near ones the later is taken. The first moment is no boundary, since nothing
    would be left to train on.

    Args:
        moments: [rows], at least one.
        eval_fraction: Wanted fraction of rows at or after the boundary.

    Raises:
        DataError: All rows have the same time.
    """
    distinct, counts = np.unique(moments, return_counts=True)
    if len(distinct) < 2:
        raise DataError(
            "data.split.column must hold at least two different times to split by; "
            f"got only {distinct[0]}"
        )
    at_or_after = np.cumsum(counts[::-1])[::-1][1:]
    distance = np.abs(at_or_after - eval_fraction * len(moments))
    latest_nearest = len(distance) - 1 - int(np.argmin(distance[::-1]))
    boundary: float | int = distinct[1:][latest_nearest].item()
    return boundary
