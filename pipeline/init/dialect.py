"""How a delimited text file is written: delimiter, header, blanks."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rankbeam.pipeline.init.files import read_head
from rankbeam.transform.errors import DataError

_HEAD_BYTES = 1 << 18
_MOST_ROWS = 200
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class Dialect:
    """How to read a file.

    Attributes:
        delimiter: Between values.
        column_names: Made-up names where the file has no header line, else None.
        strip_whitespace: Whether blanks stand around values.
    """

    delimiter: str
    column_names: tuple[str, ...] | None
    strip_whitespace: bool


def read_dialect(file: Path) -> Dialect:
    """Guess the dialect from the head of a file.

    Raises:
        DataError: The file is empty, no UTF-8 text, or has fewer than two columns.
    """
    lines = _lines(file)
    candidates = [(_agreement(rows), mark, rows) for mark, rows in _parsed(lines)]
    (share, width), delimiter, rows = max(candidates, key=lambda each: each[0])
    if width < 2 or share < 0.5:
        raise DataError(
            f"CSV file must have at least two columns, separated by a comma, tab, semicolon or "
            f"bar; got {file}"
        )
    rows = [row for row in rows if len(row) == width]
    strip = _has_blanks(rows)
    names = None if _has_header(rows) else tuple(f"column_{i:02d}" for i in range(width))
    return Dialect(delimiter, names, strip)


def _lines(file: Path) -> list[str]:
    head = read_head(file, _HEAD_BYTES)
    try:
        # The last line, and a character at the end, may be cut.
        text = head[: head.rfind(b"\n") + 1].decode("utf-8-sig") or head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"CSV file must be UTF-8 text; got {file}: {error}") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"CSV file must have a line; got {file}, which is empty")
    return lines


def _parsed(lines: list[str]) -> list[tuple[str, list[list[str]]]]:
    return [(mark, list(csv.reader(lines[:_MOST_ROWS], delimiter=mark))) for mark in _DELIMITERS]


def _agreement(rows: list[list[str]]) -> tuple[float, int]:
    """The share of rows with the most common number of columns, and that number."""
    [(width, count)] = Counter(len(row) for row in rows).most_common(1)
    # One column always agrees with itself; it only wins where nothing else is found.
    return (count / len(rows), width) if width > 1 else (0.0, 1)


def _has_blanks(rows: list[list[str]]) -> bool:
    inner = [cell for row in rows for cell in row[1:] if cell]
    return sum(cell.startswith(" ") for cell in inner) > 0.9 * len(inner)


def _has_header(rows: list[list[str]]) -> bool:
    first = [cell.strip() for cell in rows[0]]
    return len(set(first)) == len(first) and not any(_is_number(cell) for cell in first)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
