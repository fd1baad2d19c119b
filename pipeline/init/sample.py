"""The first rows of the data, typed, and the settings that read them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from rankbeam.pipeline.init.dialect import Dialect, read_dialect
from rankbeam.pipeline.init.files import DataFiles
from rankbeam.pipeline.init.text_types import find_nulls, list_separator, typed, with_times
from rankbeam.transform.errors import DataError

SAMPLE_ROWS = 100_000
_BLOCK_BYTES = 1 << 22

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Sample:
    """What was looked at.

    Attributes:
        files: Where it came from.
        table: Rows, at most `SAMPLE_ROWS`.
        complete: Whether these are all rows.
        settings: Further settings of `data.source`, without kind and path.
    """

    files: DataFiles
    table: pa.Table
    complete: bool
    settings: Mapping[str, object] = field(default_factory=dict)


def read_sample(files: DataFiles, rows: int = SAMPLE_ROWS) -> Sample:
    """Read the first rows.

    Raises:
        DataError: A file cannot be read as its kind, has no rows, or other columns than the first.
    """
    if files.kind == "csv":
        return _csv_sample(files, rows)
    if files.kind == "parquet":
        table, complete = _first_rows(files.files, rows, _parquet_batches)
        return Sample(files, with_times(table), complete)
    if files.kind == "avro":
        from rankbeam.components.example_gen.sources.avro import all_columns  # noqa: PLC0415

        table, complete = _first_rows(files.files, rows, lambda path: all_columns(str(path)))
        return Sample(files, with_times(table), complete)
    # The only kind that needs TensorFlow.
    from rankbeam.pipeline.init.tfrecords import example_batches, scalars  # noqa: PLC0415

    table, complete = _first_rows(files.files, rows, example_batches, fixed_columns=False)
    return Sample(files, with_times(scalars(table)), complete)


def _csv_sample(files: DataFiles, rows: int) -> Sample:
    dialect = read_dialect(files.files[0])
    table, complete = _first_rows(files.files, rows, lambda path: _csv_batches(path, dialect))
    if dialect.strip_whitespace:
        names = [name.strip() for name in table.column_names]
        columns = [pc.utf8_trim_whitespace(column) for column in table.columns]
        table = pa.table(columns, names=names)
    table, nulls = find_nulls(table)
    settings: dict[str, object] = {}
    if dialect.delimiter != ",":
        settings["delimiter"] = dialect.delimiter
    if dialect.column_names is not None:
        settings["column_names"] = list(dialect.column_names)
    if dialect.strip_whitespace:
        settings["strip_whitespace"] = True
    if nulls:
        settings["null_values"] = ["", *nulls]
    separator = list_separator(table)
    if separator not in {None, "|"}:
        settings["list_separator"] = separator
    return Sample(files, typed(table, separator), complete, settings)


def _first_rows(
    files: Sequence[Path],
    rows: int,
    read: Callable[[Path], Batches],
    *,
    fixed_columns: bool = True,
) -> tuple[pa.Table, bool]:
    taken: list[pa.RecordBatch] = []
    count = 0
    for path in files:
        for batch in read(path):
            if fixed_columns and taken and batch.schema.names != taken[0].schema.names:
                raise DataError(
                    f"files must have the same columns; {path.name} has other ones than "
                    f"{files[0].name} in {path.parent}"
                )
            if batch.num_rows > rows - count:
                taken.append(batch.slice(0, rows - count))
                return _table(taken, files), False
            taken.append(batch)
            count += batch.num_rows
    return _table(taken, files), True


def _table(batches: Sequence[pa.RecordBatch], files: Sequence[Path]) -> pa.Table:
    rows = sum(batch.num_rows for batch in batches)
    if rows == 0:
        raise DataError(f"data must have a row; got none in {files[0]}")
    kinds = _united_types([batch.schema for batch in batches], files[0])
    columns = [
        pa.chunked_array([_column(batch, name, kind) for batch in batches], kind)
        for name, kind in kinds.items()
    ]
    return pa.table(columns, names=list(kinds))


def _united_types(schemas: Sequence[pa.Schema], first: Path) -> dict[str, pa.DataType]:
    kinds: dict[str, pa.DataType] = {}
    for name, kind in ((each.name, each.type) for schema in schemas for each in schema):
        known = kinds.get(name, kind)
        united = _united(known, kind)
        if united is None:
            raise DataError(
                f"column {name!r} must have one type in all files; got {known} and {kind} in "
                f"{first.parent}"
            )
        kinds[name] = united
    return kinds


def _united(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds the values of both, if there is one."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    return pa.float64() if _is_number(one) and _is_number(other) else None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _column(batch: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        return pa.nulls(batch.num_rows, kind)
    column = batch.column(index)
    return column if column.type == kind else column.cast(kind)


def _csv_batches(path: Path, dialect: Dialect) -> Batches:
    names = list(dialect.column_names) if dialect.column_names is not None else None
    try:
        with _open_csv(path, dialect, names, {}) as reader:
            stored = reader.schema.names
        texts = dict.fromkeys(stored, pa.string())
        with _open_csv(path, dialect, names, texts) as reader:
            yield from reader
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"file must be readable as CSV; got {path}: {error}") from None


def _open_csv(
    path: Path, dialect: Dialect, names: list[str] | None, types: Mapping[str, pa.DataType]
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        pa.input_stream(str(path), compression="detect"),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, column_names=names
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter, newlines_in_values=True
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _parquet_batches(path: Path) -> Batches:
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=16_384)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"file must be readable as Parquet; got {path}: {error}") from None
