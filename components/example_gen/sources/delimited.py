"""Delimited text files."""

import csv
import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from rankbeam.components.example_gen import lists
from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.components.example_gen.sources.files import open_file, reading
from rankbeam.components.example_gen.spec import CsvSource
from rankbeam.transform.errors import DataError

_BLOCK_BYTES = 4 << 20
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2"}


def read_csv(
    path: str, source: CsvSource, wanted: Wanted, multivalent: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns, as text, or as lists of text where multivalent.

    Rows are numbered in errors as lines are, the header being row 1. No row may be longer than
    4 MB.

    Raises:
        DataError: The file is empty, damaged, not UTF-8 or lacks a column, a row has too many or
            too few values, or a quote is never closed.
    """
    with reading(path, "CSV"):
        stored = _stored_names(path, source)
        names = [name.strip() for name in stored] if source.strip_whitespace else stored
        check_columns(path, names, wanted)
        include = [stored[names.index(name)] for name in wanted]
        with _open(path) as raw:
            quotes = _QuoteCounter(raw)
            for batch in _reader(quotes, source, include):
                columns = [
                    _tidy(values, source, listed=name in multivalent)
                    for name, values in zip(wanted, batch.columns, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, list(wanted))
            if quotes.count % 2:
                _find_open_quote(path, source)


def _open(path: str) -> pa.NativeFile:
    stream = open_file(path)
    for suffix, compression in _COMPRESSIONS.items():
        if path.endswith(suffix):
            return pa.CompressedInputStream(stream, compression)
    return stream


def _stored_names(path: str, source: CsvSource) -> list[str]:
    with _open(path) as stream:
        return list(_reader(stream, source, include=None).schema.names)


def _reader(
    stream: object, source: CsvSource, include: Sequence[str] | None
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        stream,
        # One thread, because only then do errors say which row.
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            column_names=list(source.column_names) if source.column_names else None,
        ),
        parse_options=pyarrow.csv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=list(include) if include is not None else None,
            column_types=dict.fromkeys(include or (), pa.string()),
            null_values=list(source.null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _tidy(values: pa.Array, source: CsvSource, *, listed: bool) -> pa.Array:
    if source.strip_whitespace:
        values = _strip(values, source)
    return _listed(values, source) if listed else values


def _strip(values: pa.Array, source: CsvSource) -> pa.Array:
    # Arrow has already made null what was null without stripping, and knows what was quoted.
    stripped = pc.utf8_trim_whitespace(values)
    nulls = pa.array(source.null_values, type=pa.string())
    became_null = pc.and_(pc.is_in(stripped, value_set=nulls), pc.not_equal(stripped, values))
    return pc.if_else(became_null, pa.scalar(None, pa.string()), stripped)


def _listed(values: pa.Array, source: CsvSource) -> pa.Array:
    present = lists.validity(values)
    elements, rows = lists.flat(pc.split_pattern(values, pattern=source.list_separator))
    # Quoted nothing is the empty list, not a list of the empty text.
    empty = pc.equal(values, "").fill_null(True).to_numpy(zero_copy_only=False)
    kept = ~empty[rows]
    elements = elements.filter(pa.array(kept))
    if source.strip_whitespace:
        elements = pc.utf8_trim_whitespace(elements)
    return lists.gather(elements, rows[kept], present)


class _QuoteCounter(io.RawIOBase):
    """Passes bytes through and counts the quotes among them.

    Arrow takes a quote that is never closed as text up to the end of the file, and so loses the
    rows in between without a word. An odd number of quotes is the sign to look closer.
    """

    def __init__(self, stream: pa.NativeFile) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size if size >= 0 else None)
        self.count += data.count(b'"')
        return data


def _find_open_quote(path: str, source: CsvSource) -> None:
    with _open(path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
        rows = csv.reader(lines, delimiter=source.delimiter, strict=True)
        start = 1
        try:
            for _ in rows:
                start = rows.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{path} line {start}: a quoted value must be closed by a quote; got {error}"
            ) from error
