"""Decides what each column becomes: a feature of some kind, or nothing, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.pipeline.init.columns import Column
from rankbeam.pipeline.init.names import CODES, COUNTS, IDENTIFIERS, tokens

MOST_CATEGORIES = 200
_FEW_INTEGERS = 10
_FREE_TEXT_LETTERS = 40
_FEWEST_ROWS = 20
_INDICATOR_SHARE = 0.01
_SHOWN_VALUES = 4
# Values never seen in the sample are to be expected where the sample is not all of the data.
_GROWTH = 10


@dataclass(frozen=True)
class Decision:
    """What becomes of a column.

    Attributes:
        column: As in the data.
        settings: The feature's settings in the config; empty where it is left out.
        reason: For the comment: what was seen, or why it is left out.
    """

    column: str
    reason: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_feature(self) -> bool:
        """Whether it is an input of the model."""
        return bool(self.settings)


def decide(column: Column, complete: bool) -> Decision:
    """What becomes of `column`, judged by itself.

    Args:
        column: Neither a label nor a leak nor what the split is made by.
        complete: Whether the sample is all of the data.
    """
    useless = _useless(column)
    if useless is not None:
        return Decision(column.name, useless)
    if column.kind == "list":
        return _multivalent(column, complete)
    if column.kind == "text":
        return _indexed(column, complete)
    if column.kind == "int" and _is_code(column):
        return _indexed(column, complete)
    return _numeric(column)


def _useless(column: Column) -> str | None:
    """Why nothing can be learned from the column by any model here."""
    if not column.name:
        return "has no name"
    if column.kind == "list":
        return _useless_list(column)
    if column.kind == "other" and column.present:
        return f"is of type {column.values.type}, which no feature reads"
    if column.present == 0:
        return "has no value in the rows looked at"
    if column.distinct == 1:
        return f"is constant: {column.frequent(1)[0]}"
    if column.kind == "time":
        return "is a point in time, which does not come again; derive hour or weekday from it"
    if _is_row_name(column):
        return "is unique per row"
    if column.kind == "text" and _is_free_text(column):
        return "is free text; no feature kind reads words"
    return None


def _useless_list(column: Column) -> str | None:
    if len(column.elements) == 0:
        return "has no value in the rows looked at"
    kind = column.elements.type
    if not (
        pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    ):
        return f"is a list of {kind}; multivalent features hold texts or integers"
    return "is constant" if column.distinct == 1 else None


def _is_row_name(column: Column) -> bool:
    if column.distinct < column.present or column.present < _FEWEST_ROWS:
        return False
    named = bool(tokens(column.name) & IDENTIFIERS)
    return column.kind == "text" or (column.kind == "int" and (named or column.never_falls))


def _is_free_text(column: Column) -> bool:
    letters = pc.mean(pc.utf8_length(column.elements)).as_py()
    blanks = pc.mean(pc.match_substring(column.elements, " ")).as_py()
    return bool(column.distinct > MOST_CATEGORIES and letters > _FREE_TEXT_LETTERS and blanks > 0.9)


def _is_code(column: Column) -> bool:
    """Whether integers name things rather than count them."""
    words = tokens(column.name)
    if words & IDENTIFIERS:
        return True
    if column.distinct <= _FEW_INTEGERS:
        return column.distinct == 2 or not words & COUNTS
    return bool(words & CODES) and column.distinct <= MOST_CATEGORIES


def _indexed(column: Column, complete: bool) -> Decision:
    missing = _missing_note(column)
    if column.distinct <= MOST_CATEGORIES:
        shown = ", ".join(map(_shortened, column.frequent(_SHOWN_VALUES)))
        more = ", ..." if column.distinct > _SHOWN_VALUES else ""
        reason = f"{column.distinct} values: {shown}{more}{missing}"
        return Decision(column.name, reason, {"kind": "categorical"})
    settings = {
        "kind": "id",
        "vocabulary_size": _room(column.distinct, complete),
        "frequency_threshold": 2,
    }
    return Decision(column.name, f"{column.distinct:,} values{missing}", settings)


def _multivalent(column: Column, complete: bool) -> Decision:
    most = max(1, int(np.quantile(column.lengths, 0.99)))
    settings: dict[str, object] = {"kind": "multivalent", "max_values": most}
    if column.distinct > MOST_CATEGORIES:
        settings["vocabulary_size"] = _room(column.distinct, complete)
    reason = (
        f"{column.distinct:,} values, up to {int(column.lengths.max())} in a row"
        f"{_missing_note(column)}"
    )
    return Decision(column.name, reason, settings)


def _numeric(column: Column) -> Decision:
    scaling = "log" if column.is_heavy_tailed else "z_score"
    settings: dict[str, object] = {"kind": "numeric", "scaling": scaling}
    if column.missing_share >= _INDICATOR_SHARE:
        settings["missing_indicator"] = True
    low, high = np.nanmin(column.numbers), np.nanmax(column.numbers)
    tail = ", long tail" if scaling == "log" else ""
    reason = f"{low:.6g} to {high:.6g}{tail}{_missing_note(column)}"
    return Decision(column.name, reason, settings)


def _missing_note(column: Column) -> str:
    share = 100 * column.missing_share
    return f", missing in {max(share, 0.1):.1f} % of rows" if share > 0 else ""


def _shortened(text: str, limit: int = 24) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _room(distinct: int, complete: bool) -> int:
    """A round vocabulary size that holds the values seen, and more where there are more rows."""
    needed = distinct if complete else _GROWTH * distinct
    size = 1
    while size * 5 < needed:
        size *= 10
    return next(size * step for step in (1, 2, 5) if size * step >= needed)
