"""Parquet files."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.components.example_gen.sources.files import local_copy, reading

_BATCH_ROWS = 16_384
_BUFFER_BYTES = 1 << 20


def read_parquet(path: str, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """Batches that hold the wanted columns, and perhaps more, in stored order.

    Pages are decoded as they are needed through a buffer per column, so that memory does not
    grow with the size of row groups.

    Raises:
        DataError: The file is no Parquet, is damaged, or lacks a column.
    """
    with reading(path, "Parquet"), local_copy(path) as copy:
        file = pq.ParquetFile(copy, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        check_columns(path, file.schema_arrow.names, wanted)
        # A column a.b comes along where a is asked for.
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=list(wanted))
