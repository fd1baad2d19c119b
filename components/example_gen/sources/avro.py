"""Avro object container files."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import fastavro
import fastavro.schema
import pyarrow as pa

from rankbeam.components.example_gen.sources.avro_types import NoCounterpart, arrow_type
from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.components.example_gen.sources.files import local_copy, reading
from rankbeam.transform.errors import DataError, EnvironmentFault, RankbeamError

_BATCH_ROWS = 4_096
_WHAT = "Avro"


def read_avro(path: str, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """Batches of the wanted columns, in stored order.

    A block is decompressed when its turn comes; memory holds one block and one batch.

    Raises:
        DataError: The file is no Avro, is damaged, lacks a column, or a column holds what no
            feature can be made of.
        EnvironmentFault: The file's codec is not installed.
    """
    return _batches(path, lambda written: _schema(path, written, wanted))


def all_columns(path: str) -> Iterator[pa.RecordBatch]:
    """Batches of all columns; one that no feature can be made of is an empty struct.

    Raises:
        DataError: The file is no Avro, or is damaged.
        EnvironmentFault: The file's codec is not installed.
    """

    def schema(written: Any) -> pa.Schema:
        refused = pa.struct([])
        columns = _columns(path, written)
        return pa.schema(
            [(name, refused if isinstance(k, NoCounterpart) else k) for name, k in columns.items()]
        )

    return _batches(path, schema)


def _batches(path: str, choose: Callable[[Any], pa.Schema]) -> Iterator[pa.RecordBatch]:
    with reading(path, _WHAT), local_copy(path) as copy, open(copy, "rb") as file, _reading(path):
        blocks = fastavro.block_reader(file)
        schema = choose(blocks.writer_schema)
        rows = _rows(path, blocks, os.path.getsize(copy))
        while records := list(islice(rows, _BATCH_ROWS)):
            columns = [_column(records, field.name, field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _columns(path: str, written: Any) -> dict[str, pa.DataType | NoCounterpart]:
    """Column name to its Arrow type, or to why it has none."""
    named: dict[str, Any] = {}
    parsed = fastavro.schema.parse_schema(written, named)
    if not isinstance(parsed, dict) or parsed.get("type") != "record":
        raise DataError(f"{path} must hold records; got {str(written)[:100]}")
    columns: dict[str, pa.DataType | NoCounterpart] = {}
    for field in parsed["fields"]:
        try:
            columns[field["name"]] = arrow_type(field["type"], named)
        except NoCounterpart as refused:
            columns[field["name"]] = refused
    return columns


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Damage makes the decoder raise whatever it stumbles over."""
    try:
        yield
    except (OSError, pa.ArrowException, RankbeamError):
        raise
    except Exception as error:
        if "need to install" in str(error):
            raise EnvironmentFault(f"{path} must have an installed codec; got {error}") from error
        said = " ".join(str(error).split())[:200]
        raise DataError(
            f"{path} must be readable as {_WHAT}; {type(error).__name__} {said}".rstrip()
        ) from error


def _schema(path: str, written: Any, wanted: Wanted) -> pa.Schema:
    columns = _columns(path, written)
    check_columns(path, list(columns), wanted)
    for name in wanted:
        kind = columns[name]
        if isinstance(kind, NoCounterpart):
            raise DataError(
                f"{path}: column {name!r} must hold numbers, text, booleans, timestamps or lists "
                f"of them; got {kind}"
            )
    return pa.schema([(name, columns[name]) for name in wanted])


def _rows(path: str, blocks: Any, size: int) -> Iterator[dict[str, Any]]:
    end = None
    for block in blocks:
        count = 0
        for count, record in enumerate(block, 1):  # noqa: B007 - counted to its end
            yield record
        if count != block.num_records:
            raise DataError(
                f"{path} must be readable as {_WHAT}; a block of {block.num_records} rows has "
                f"{count}"
            )
        end = block.offset + block.size
    if end is not None and end != size:
        raise DataError(
            f"{path} must be readable as {_WHAT}; got {size - end} bytes after the last whole block"
        )


def _column(records: list[dict[str, Any]], name: str, kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):
        return pa.nulls(len(records), kind)
    values = [record[name] for record in records]
    if any(isinstance(value, uuid.UUID) for value in values):
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, kind)
