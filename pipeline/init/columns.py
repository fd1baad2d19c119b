"""What the sample says about one column."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ColumnKind = Literal["text", "int", "float", "time", "list", "other"]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Skewness of an exponential distribution.
_SKEWED = 2.0


@dataclass(frozen=True)
class Column:
    """One column of the sample.

    Attributes:
        name: As in the data.
        values: [rows]; booleans as integers, dictionaries decoded.
    """

    name: str
    values: pa.Array

    @property
    def rows(self) -> int:
        """Rows of the sample."""
        return len(self.values)

    @cached_property
    def kind(self) -> ColumnKind:
        """What the values are."""
        kind = self.values.type
        if _is_text(kind):
            return "text"
        if pa.types.is_integer(kind):
            return "int"
        if pa.types.is_floating(kind):
            return "float"
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return "time"
        return "list" if _is_list(kind) else "other"

    @cached_property
    def missing(self) -> Bools:
        """(rows,) whether the value is null, or not a number."""
        return np.asarray(pc.is_null(self.values, nan_is_null=True))

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - int(self.missing.sum())

    @property
    def missing_share(self) -> float:
        """Share of rows without a value."""
        return 1.0 - self.present / self.rows

    @cached_property
    def elements(self) -> pa.Array:
        """The values that are there; of a list column, those of all rows in one."""
        if self.kind == "list":
            return pc.list_flatten(self.values).drop_null()
        return self.values.filter(pa.array(~self.missing))

    @cached_property
    def distinct(self) -> int:
        """Number of different values, of a list column in its lists; 0 for kind `other`."""
        if self.kind == "other" or len(self.elements) == 0:
            return 0
        return int(pc.count_distinct(self.elements).as_py())

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Values in each row of a list column that has any."""
        return np.asarray(pc.list_value_length(self.values.drop_null()), np.int64)

    @cached_property
    def numbers(self) -> Floats:
        """(rows,) the values of a numeric column; NaN where missing."""
        return np.asarray(self.values.cast(pa.float64()).fill_null(float("nan")))

    @cached_property
    def skewness(self) -> float:
        """Third standardised moment of the finite numbers; 0 where they are constant."""
        finite = self.numbers[np.isfinite(self.numbers)]
        spread = finite.std() if finite.size else 0.0
        return float(np.mean(((finite - finite.mean()) / spread) ** 3)) if spread > 0 else 0.0

    @property
    def is_heavy_tailed(self) -> bool:
        """Whether a logarithm would help: numbers from zero up with a long tail."""
        return bool(np.nanmin(self.numbers) >= 0 and self.skewness > _SKEWED)

    @property
    def never_falls(self) -> bool:
        """Whether the numbers or times are there in every row and in order."""
        if self.present < self.rows:
            return False
        ordered = np.asarray(self.values.cast(pa.int64()) if self.kind == "time" else self.numbers)
        return bool(np.all(ordered[1:] >= ordered[:-1]))

    def frequent(self, count: int) -> list[str]:
        """The most frequent values as text, ties by value."""
        counts = Counter(map(str, self.elements.to_pylist()))
        ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return [value for value, _ in ranked[:count]]

    def as_text(self) -> pa.Array:
        """The values as the config would write them."""
        return self.values.cast(pa.string())


def columns_of(table: pa.Table) -> list[Column]:
    """The columns of a table, in order."""
    return [
        Column(name, _plain(column.combine_chunks()))
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]


def _plain(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    if pa.types.is_float16(values.type):  # which Arrow itself cannot widen
        wide = values.to_numpy(zero_copy_only=False).astype(np.float64)
        values = pa.array(wide, from_pandas=True)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int64())
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        try:
            values = values.cast(pa.large_string())
        except pa.ArrowInvalid:  # no UTF-8: bytes that nobody can write in a config
            return values
    return values


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
