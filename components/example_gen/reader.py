"""Reads all rows of a source, with the columns that are asked for."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.chunks import Chunk
from rankbeam.components.example_gen.sources.bigquery import RESULT, read_query
from rankbeam.components.example_gen.sources.columns import Wanted, missing_column
from rankbeam.components.example_gen.sources.outcomes import load_outcomes
from rankbeam.components.example_gen.sources.request_log import RequestLogReader
from rankbeam.components.example_gen.sources.tables import TableSource, read_table
from rankbeam.components.example_gen.sources.tfrecord import read_tfrecord
from rankbeam.components.example_gen.spec import ExampleGenSpec, RequestLogSource


def wanted_columns(spec: ExampleGenSpec) -> dict[str, str]:
    """The columns to read, each with what wants it, in the order first wanted."""
    wanted: dict[str, str] = {}
    for name, use in spec.columns.items():
        derived = spec.data.derive.get(name)
        if derived is not None:
            wanted.setdefault(derived.source, f"data.derive.{name}")
        else:
            wanted.setdefault(name, _WANTERS[use])
    column = getattr(spec.data.split, "column", None)
    if column is not None:
        wanted.setdefault(column, "data.split")
    return wanted


def label_columns(spec: ExampleGenSpec) -> tuple[str, ...]:
    """The columns among the wanted ones that hold labels, or that labels are derived from."""
    derive = spec.data.derive
    names = [
        derive[name].source if name in derive else name
        for name, use in spec.columns.items()
        if use == "int" or name in derive
    ]
    return tuple(dict.fromkeys(names))


_WANTERS = {
    "string": "a feature",
    "float": "a numeric feature",
    "int": "a label",
    None: "a slice or data.keep",
}


class Reader:
    """Reads files one after the other, in bounded memory.

    Attributes:
        spec: What to read.
        files: The files, in the order to be read; of BigQuery, the query.
        outcomes: The files of a request log's outcomes.
    """

    def __init__(
        self, spec: ExampleGenSpec, files: Sequence[str], outcomes: Sequence[str] = ()
    ) -> None:
        self.spec = spec
        self.files = files
        self.outcomes = outcomes

    def rows(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """All rows, with `columns`, of which each is one of `wanted_columns`.

        Raises:
            DataError: A file cannot be read, or lacks a column. In TFRecord files and request logs
                a feature may be absent from any record, but not from all records of all files.
        """
        everything = wanted_columns(self.spec)
        wanted = {name: everything[name] for name in columns}
        index = 0
        never_seen = dict(wanted)
        held: set[str] = set()
        log = self._request_log(wanted)
        is_query = isinstance(self.spec.data.source, BigQuerySource)
        for file in self.files:
            row = 0
            place = RESULT if is_query else file
            for batch in self._batches(file, wanted) if log is None else log.read(file):
                for name in batch.schema.names:
                    never_seen.pop(name, None)
                held.update(batch.schema.names)
                if batch.num_rows:
                    yield Chunk(_complete(batch, wanted), place, row, index + row)
                row += batch.num_rows
            index += row
        if log is not None:
            log.check_joined()
        if index and never_seen:
            name, wanter = next(iter(never_seen.items()))
            raise missing_column(self.files[-1], sorted(held), name, wanter)

    def _request_log(self, wanted: Wanted) -> RequestLogReader | None:
        source = self.spec.data.source
        if not isinstance(source, RequestLogSource):
            return None
        labels = {name: wanted[name] for name in label_columns(self.spec) if name in wanted}
        outcomes = None
        if source.outcomes is not None:
            outcomes = load_outcomes(self.outcomes, source.outcomes, labels)
        return RequestLogReader(source, wanted, tuple(labels), outcomes)

    def _batches(self, file: str, wanted: Wanted) -> Iterator[pa.RecordBatch]:
        source = self.spec.data.source
        if isinstance(source, TableSource):
            return read_table(file, source, wanted, self.spec.multivalent)
        if isinstance(source, BigQuerySource):
            return read_query(file, source, wanted)
        return read_tfrecord(file)


def _complete(batch: pa.RecordBatch, wanted: Wanted) -> pa.RecordBatch:
    """The wanted columns; those that no row of the batch has are missing in every row."""
    held = set(batch.schema.names)
    missing = pa.nulls(batch.num_rows)
    columns = [
        batch.column(batch.schema.get_field_index(name)) if name in held else missing
        for name in wanted
    ]
    return pa.RecordBatch.from_arrays(columns, list(wanted))
