"""Files that hold a table: each has the same columns in every row."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from rankbeam.components.example_gen.sources.avro import read_avro
from rankbeam.components.example_gen.sources.columns import Wanted
from rankbeam.components.example_gen.sources.delimited import read_csv
from rankbeam.components.example_gen.sources.parquet import read_parquet
from rankbeam.components.example_gen.spec import AvroSource, CsvSource, ParquetSource

TableSource = CsvSource | ParquetSource | AvroSource


def read_table(
    path: str, source: TableSource, wanted: Wanted, multivalent: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Batches that hold the wanted columns, and perhaps more, in stored order.

    Raises:
        DataError: The file is not what `source` says, is damaged, or lacks a column.
        EnvironmentFault: The file's codec is not installed.
    """
    if isinstance(source, CsvSource):
        return read_csv(path, source, wanted, multivalent)
    if isinstance(source, AvroSource):
        return read_avro(path, wanted)
    return read_parquet(path, wanted)
