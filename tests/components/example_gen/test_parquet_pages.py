"""Parquet files whose columns have many pages."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rankbeam.components.example_gen.sources.parquet import read_parquet


@pytest.mark.parametrize("compression", ["snappy", "none"])
@pytest.mark.parametrize("rows", [60_000, 300_000])
def test_parquet_columns_of_many_pages_are_read_as_written(
    tmp_path: Path, rows: int, compression: str
) -> None:
    """Arrow 18 writes past the buffers that it reads such columns through, where it is told to."""
    generator = np.random.default_rng(0)
    written = pa.table(
        {
            "user": np.char.add("user-", generator.integers(0, rows, rows).astype(str)),
            "price": generator.normal(size=rows),
            "click": generator.integers(0, 2, rows),
        }
    )
    path = tmp_path / "f.parquet"
    pq.write_table(written, path, row_group_size=rows, compression=compression)
    batches = list(read_parquet(str(path), dict.fromkeys(written.column_names, "")))
    assert len(batches) > 3
    assert pa.Table.from_batches(batches).equals(written)
