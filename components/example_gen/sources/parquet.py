"""Parquet files."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from rankbeam.components.example_gen.sources.columns import Wanted, check_columns
from rankbeam.components.example_gen.sources.files import local_copy, reading

_BATCH_ROWS = 16_384


def read_parquet(path: str, wanted: Wanted) -> Iterator[pa.RecordBatch]:
    """Batches that hold the wanted columns, and perhaps more, in stored order.

    The file is mapped, and its pages are decoded as they are needed: memory does not grow with the
    size of row groups, but for pages that the system may take back. Arrow's own way, a buffer for
    each column, writes past that buffer in Arrow 18, the newer stack's (apache/arrow issues 43949
    and 48311).

    Raises:
        DataError: The file is no Parquet, is damaged, or lacks a column.
    """
    with reading(path, "Parquet"), local_copy(path) as copy:
        file = pq.ParquetFile(copy, memory_map=True, pre_buffer=False)
        check_columns(path, file.schema_arrow.names, wanted)
        # A column a.b comes along where a is asked for.
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=list(wanted))
