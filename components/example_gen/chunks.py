"""Rows on their way through: a batch with its place in the files, and values that break a rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from rankbeam.transform.errors import DataError


@dataclass(frozen=True)
class Chunk:
    """A few thousand consecutive rows of one file.

    Attributes:
        batch: The rows, as the source holds them.
        file: The file they come from.
        row: Rows of this file that come before.
        index: Rows of all files that come before.
    """

    batch: pa.RecordBatch
    file: str
    row: int
    index: int

    def column(self, name: str) -> pa.Array:
        """The values of a column, one for each row."""
        return self.batch.column(self.batch.schema.get_field_index(name))

    @contextmanager
    def locating(self, column: str) -> Iterator[None]:
        """Turn a `BadValue` of a column into an error that says where it is.

        Rows are counted from 1 within the file, without a header.

        Raises:
            DataError: A value of `column` broke a rule.
        """
        try:
            yield
        except BadValue as bad:
            place = "" if bad.row is None else f" row {self.row + bad.row + 1}"
            raise DataError(
                f"{self.file}{place}: column {column!r} {bad.rule}; got {_shown(bad.got)}"
            ) from bad


class BadValue(Exception):  # never leaves `Chunk.locating`
    """A value, or a whole column, breaks a rule.

    Attributes:
        rule: What must hold, to be read after the column's name.
        got: What was found instead.
        row: Row within the batch, from 0; None for the column as a whole.
    """

    def __init__(self, rule: str, got: object, row: int | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.got = got
        self.row = row


def _shown(got: object, limit: int = 100) -> str:
    text = str(got) if isinstance(got, pa.DataType) else repr(got)
    return text if len(text) <= limit else text[: limit - 3] + "..."
