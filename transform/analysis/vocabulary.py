"""The vocabularies of all columns in one text file, an asset of the saved transform.

Line 0 is a header (JSON behind `# `). Every other line is one value behind its column's number
among the vocabulary columns (sorted by name) and a colon: ``3:mobile``. The graph looks the same
text up, so a value's line number gives its index. Within a column, values are ordered by descending
count, ties by ascending bytes.

Values may hold any bytes but must not break lines, so ``%``, CR and LF are written as ``%25``,
``%0D`` and ``%0A``. The graph does the same before it looks up, but only where the vocabulary needs
it (`Vocabularies.escaped`): otherwise no line has a ``%``, and a value with one of the three bytes
matches none either way.
"""

import bisect
import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rankbeam.transform.analysis.value_counts import ValueCounts
from rankbeam.transform.plan import Plan

FILE_NAME = "rankbeam_vocabulary.txt"
# Raw byte and how it is written. The order matters: `%` first when writing, last when reading.
ESCAPES = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_FORMAT = 1
_HEADER_MARK = b"# "


def prefix(number: int) -> bytes:
    """What stands before the values of vocabulary column `number`."""
    return b"%d:" % number


def escape(text: bytes) -> bytes:
    """The text as it is written in one line."""
    for raw, written in ESCAPES:
        text = text.replace(raw.encode(), written.encode())
    return text


def unescape(text: bytes) -> bytes:
    """The text that `escape` was given."""
    for raw, written in reversed(ESCAPES):
        text = text.replace(written.encode(), raw.encode())
    return text


@dataclass(frozen=True)
class Vocabularies:
    """The kept values of every vocabulary column.

    Attributes:
        names: Feature names, in the plan's order.
        lines: For each column, its prefixed and escaped values in index order.
        escaped: Whether escaping changed any of them.
    """

    names: tuple[str, ...]
    lines: tuple[list[bytes], ...]
    escaped: bool

    @staticmethod
    def select(plan: Plan, counts: ValueCounts) -> "Vocabularies":
        """Keeps what each column's threshold and size allow."""
        keys, occurrences = counts.sorted_by_value()
        lines = []
        for number, column in enumerate(plan.vocabulary):
            mark = prefix(number)
            # In byte order the next character after the colon closes the column's range.
            first, last = (
                bisect.bisect_left(range(len(keys)), bound, key=lambda place: keys[place].as_py())
                for bound in (mark, mark[:-1] + b";")
            )
            descending = np.argsort(-occurrences[first:last], kind="stable")
            enough = occurrences[first:last][descending] >= column.spec.frequency_threshold
            kept = descending[enough][: column.spec.vocabulary_size]
            lines.append(keys.slice(first, last - first).take(kept).to_pylist())
        escaped = [[escape(line) for line in column_lines] for column_lines in lines]
        names = tuple(column.name for column in plan.vocabulary)
        return Vocabularies(names, tuple(escaped), escaped != lines)

    @property
    def first_lines(self) -> list[int]:
        """Line number of each column's first value."""
        return [1 + sum(map(len, self.lines[:number])) for number in range(len(self.lines))]

    def body(self) -> bytes:
        """All lines but the header."""
        return b"".join(b"\n".join(lines) + b"\n" for lines in self.lines if lines)


@dataclass(frozen=True)
class Header:
    """The asset's first line.

    Attributes:
        sizes: Feature name to number of values, in the plan's order.
        digest: Hexadecimal SHA-256 that identifies what the transform does to features.
    """

    sizes: Mapping[str, int]
    digest: str


def write(vocabularies: Vocabularies, digest: str, folder: str) -> str:
    """Writes the asset into `folder`, whole or not at all, and returns its path."""
    sizes = dict(zip(vocabularies.names, map(len, vocabularies.lines), strict=True))
    header = json.dumps({"format": _FORMAT, "digest": digest, "sizes": sizes})
    tf.io.gfile.makedirs(folder)
    path = os.path.join(folder, FILE_NAME)
    partial = f"{path}.{uuid.uuid4().hex}"
    with tf.io.gfile.GFile(partial, "wb") as file:
        file.write(_HEADER_MARK + header.encode() + b"\n" + vocabularies.body())
    tf.io.gfile.rename(partial, path, overwrite=True)
    return path


def read_header(path: str) -> Header:
    """Reads the asset's first line."""
    with tf.io.gfile.GFile(path, "rb") as file:
        fields = json.loads(file.readline()[len(_HEADER_MARK) :])
    return Header(sizes=fields["sizes"], digest=fields["digest"])


def read(path: str) -> dict[str, list[bytes]]:
    """Reads the values of each feature, in index order."""
    with tf.io.gfile.GFile(path, "rb") as file:
        lines = file.read().split(b"\n")[1:-1]
    values: dict[str, list[bytes]] = {}
    first = 0
    for number, (name, size) in enumerate(read_header(path).sizes.items()):
        own = lines[first : first + size]
        values[name] = [unescape(line[len(prefix(number)) :]) for line in own]
        first += size
    return values
