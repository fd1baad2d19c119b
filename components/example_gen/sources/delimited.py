"""Delimited text files."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from rankbeam.components.example_gen import lists
from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.components.example_gen.sources.files import local_copy, reading
from rankbeam.components.example_gen.spec import CsvSource
from rankbeam.transform.errors import DataError

# Arrow reads up to 32 blocks ahead.
_BLOCK_BYTES = 1 << 20
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2"}


def read_csv(
    path: str, source: CsvSource, wanted: Wanted, multivalent: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns, as text, or as lists of text where multivalent.

    Rows are numbered in errors as lines are, the header being row 1. No row may be longer than
    1 MB.

    Raises:
        DataError: The file is empty, damaged, not UTF-8 or lacks a column, a row has too many or
            too few values, or a quote is never closed.
    """
    with reading(path, "CSV"), _rows_in_blocks(path), local_copy(path) as copy:
        _check_quotes(copy, path, source)
        stored = list(_reader(copy, source, include=None).schema.names)
        names = [name.strip() for name in stored] if source.strip_whitespace else stored
        check_columns(path, names, wanted)
        include = [stored[names.index(name)] for name in wanted]
        for batch in _reader(copy, source, include):
            columns = [
                _tidy(values, source, listed=name in multivalent)
                for name, values in zip(wanted, batch.columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, list(wanted))


def _reader(
    path: str, source: CsvSource, include: Sequence[str] | None
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        # The reader owns the stream: closed from here, it could be closed under a reading thread.
        _open(path),
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


@contextmanager
def _rows_in_blocks(path: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
        raise DataError(
            f"{path} must have rows of at most {_BLOCK_BYTES >> 20} MB; got a longer one, or a "
            "quote that is closed too late"
        ) from error


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


def _open(path: str) -> pa.NativeFile:
    compression = next((c for suffix, c in _COMPRESSIONS.items() if path.endswith(suffix)), None)
    return pa.input_stream(path, compression=compression)


def _check_quotes(copy: str, path: str, source: CsvSource) -> None:
    """Check that every quote is closed.

    Arrow takes a quote that is never closed as text up to the end of the file, and so loses the
    rows in between without a word. An odd number of quotes is the sign to look closer.

    Raises:
        DataError: One is not closed.
    """
    quotes = 0
    with _open(copy) as stream:
        while chunk := stream.read(_BLOCK_BYTES):
            quotes += chunk.count(b'"')
    if quotes % 2 == 0:
        return
    with _open(copy) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
        rows = csv.reader(lines, delimiter=source.delimiter, strict=True)
        start = 1
        try:
            for _ in rows:
                start = rows.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"{path} line {start}: a quote must be closed, right before a delimiter or the end "
                f"of the line; got {quotes} quotes in all"
            ) from error
