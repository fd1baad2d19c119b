"""What columns of text really hold: numbers, times, lists, and words for missing."""

import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.pipeline.init.names import TIMES, tokens

_MISSING = ("?", "\\N", "NULL", "null", "NaN", "nan", "N/A", "#N/A")
# Stands for missing in a column of numbers; elsewhere it may be a country or a continent.
_MISSING_NUMBER = "NA"
_SEPARATORS = ("|", ";")
_LISTED_SHARE = 0.05


def find_nulls(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Make null what stands for missing.

    Returns:
        The table of text, and the words that were found, in a fixed order.
    """
    words = [word for word in _MISSING if any(_holds(column, word) for column in table.columns)]
    columns = [_without(column, words) for column in table.columns]
    for index, column in enumerate(columns):
        if _holds(column, _MISSING_NUMBER):
            rest = _without(column, [_MISSING_NUMBER])
            if pa.types.is_string(_typed_column(rest).type):
                continue
            columns[index] = rest
            words = [*words, _MISSING_NUMBER] if _MISSING_NUMBER not in words else words
    return pa.table(columns, names=table.column_names), words


def list_separator(table: pa.Table) -> str | None:
    """What parts the values of the columns that hold lists; None where none does."""
    counts = {
        mark: sum(_is_listed(column, mark) for column in table.columns) for mark in _SEPARATORS
    }
    best = max(_SEPARATORS, key=lambda mark: counts[mark])
    return best if counts[best] else None


def typed(table: pa.Table, separator: str | None) -> pa.Table:
    """Columns of text as integers, floats, times, lists or, where nothing else fits, text."""
    columns = [
        pc.split_pattern(column, separator)
        if separator is not None and _is_listed(column, separator)
        else _typed_column(column)
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def with_times(table: pa.Table) -> pa.Table:
    """A typed table whose columns of text that are named like times are times, where they can."""
    columns = [
        _time_column(column) if tokens(name) & TIMES and _is_text(column.type) else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _holds(column: pa.ChunkedArray, word: str) -> bool:
    return bool(pc.any(pc.equal(column, word)).as_py())


def _without(column: pa.ChunkedArray, words: list[str]) -> pa.ChunkedArray:
    if not words:
        return column
    missing = pc.is_in(column, value_set=pa.array(words))
    return pc.if_else(missing, pa.scalar(None, pa.string()), column)


def _is_listed(column: pa.ChunkedArray, mark: str) -> bool:
    """Whether many cells hold the mark, and its parts come again in other combinations."""
    present = column.drop_null()
    if len(present) == 0:
        return False
    if pc.mean(pc.match_substring(present, mark)).as_py() < _LISTED_SHARE:
        return False
    parts = pc.list_flatten(pc.split_pattern(present, mark))
    return bool(pc.count_distinct(parts).as_py() < pc.count_distinct(present).as_py())


def _typed_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column))])
    # 007 and 7 are two values of an identifier but one integer.
    if not pc.any(pc.match_substring_regex(column, r"^[+-]?0\d")).as_py():
        for kind in (pa.int64(), pa.float64()):
            try:
                return column.cast(kind)
            except pa.ArrowInvalid:
                continue
    return _time_column(column)


def _time_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for kind in (pa.timestamp("us", tz="UTC"), pa.timestamp("us")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column
