"""Chooses how the data are split into train and eval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rankbeam.pipeline.init.columns import Column
from rankbeam.pipeline.init.names import ATTRIBUTES, TIMES, is_user, tokens

_EVAL_FRACTION = 0.2
_FEWEST_ENTITIES = 50
_FEWEST_TIMES = 2
_FIRST_EPOCH = 300_000_000.0  # 1979 in seconds; smaller numbers are hours, days or durations


@dataclass(frozen=True)
class SplitChoice:
    """A split, and why.

    Attributes:
        settings: `data.split` in the config.
        reason: For the comment.
        spent: Columns that are no inputs because of the split, to why.
    """

    settings: Mapping[str, object]
    reason: str
    spent: Mapping[str, str]


def choose_split(columns: Sequence[Column], folders: tuple[str, str] | None) -> SplitChoice:
    """Given folders; else by time; else by user; else by row.

    Args:
        columns: Candidates: no labels, no leaks.
        folders: Names of the train and eval folders, where the data come split.
    """
    times = [column for column in columns if _is_time(column)]
    spent = {
        column.name: "tells when; a time after training has never been seen" for column in times
    }
    settings: dict[str, object]
    if folders is not None:
        settings = {"kind": "folders", "train": folders[0], "eval": folders[1]}
        return SplitChoice(settings, "the data come split", spent)
    if times:
        finest = max(times, key=lambda column: column.distinct)
        settings = {"kind": "time", "column": finest.name, "eval_fraction": _EVAL_FRACTION}
        return SplitChoice(settings, "the model is judged on what came later, as in use", spent)
    users = [column for column in columns if _is_entity(column)]
    if users:
        most = max(users, key=lambda column: column.distinct)
        settings = {
            "kind": "entity_hash",
            "column": most.name,
            "eval_fraction": _EVAL_FRACTION,
        }
        note = "splits the rows: a user of eval is never in train, so it cannot be learned"
        return SplitChoice(settings, "all rows of a user on one side", {most.name: note})
    settings = {"kind": "row_hash", "modulus": 5, "eval_remainder": 0}
    return SplitChoice(
        settings, "no time and no user among the columns, so a fifth of the rows", {}
    )


def _is_time(column: Column) -> bool:
    if column.present < column.rows or column.kind not in {"time", "int", "float"}:
        return False
    if column.distinct < _FEWEST_TIMES:
        return False
    words = tokens(column.name)
    named = bool(words & TIMES) and not words & ATTRIBUTES
    if column.kind == "time":
        return named or column.never_falls
    epochs = bool(np.min(column.numbers) >= _FIRST_EPOCH)
    return named and (epochs or column.never_falls)


def _is_entity(column: Column) -> bool:
    repeats = column.distinct < column.present
    return (
        is_user(column.name)
        and column.kind in {"text", "int"}
        and repeats
        and column.distinct >= _FEWEST_ENTITIES
    )
