"""The log as CSV: the rows and columns that Rankbeam reads, in one folder for each split.

Run: `python -m benchmarks.vanilla.data CONFIG LOG_FOLDER OUTPUT`; prints the rows of each split.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.chunks import Chunk
from rankbeam.components.example_gen.spec import FoldersSplit
from rankbeam.components.example_gen.splits import make_splitter
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.options import example_gen_spec

LIST_SEPARATOR = "|"
"""Stands between the values of a multivalent column."""


def write_csv(config: RankbeamConfig, base_dir: Path, folder: Path) -> dict[str, int]:
    """Writes `train/data.csv` and `eval/data.csv` below `folder`.

    Args:
        config: Says which Parquet files to read, which columns, and how to split.
        base_dir: Folder that the config's data path starts from.
        folder: Folder to write to.

    Returns:
        Number of rows of each split.

    Raises:
        ValueError: The config splits by folders, which are there already, or reads BigQuery.
    """
    split = config.data.split
    if isinstance(split, FoldersSplit):
        raise ValueError("data.split must be a rule; got folders")
    source = config.data.source
    if isinstance(source, BigQuerySource):
        raise ValueError("data.source must be files; got bigquery")
    files = sorted(base_dir.glob(source.path))
    log = pa.concat_tables([pq.read_table(file) for file in files]).combine_chunks()

    def rows(columns: Sequence[str]) -> Iterator[Chunk]:
        yield Chunk(log.select(list(columns)).to_batches()[0], str(files[0]), 0, 0)

    is_eval = pa.array(make_splitter(split, rows).is_eval(next(rows(log.column_names))))
    wanted = log.select(list(example_gen_spec(config).columns))
    parts = {"train": wanted.filter(pc.invert(is_eval)), "eval": wanted.filter(is_eval)}
    for name, part in parts.items():
        (folder / name).mkdir(parents=True)
        with (folder / name / "data.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(part.column_names)
            writer.writerows(zip(*_columns(part), strict=True))
    return {name: part.num_rows for name, part in parts.items()}


def _columns(table: pa.Table) -> Iterator[list[Any]]:
    """The columns as Python values, the values of each list joined into one text."""
    for column in table.columns:
        values = column.to_pylist()
        if pa.types.is_list(column.type):
            values = [None if value is None else LIST_SEPARATOR.join(value) for value in values]
        yield values


def main() -> None:
    """Writes the files and prints the counts as JSON."""
    config, log_folder, output = map(Path, sys.argv[1:])
    loaded = load_config(config, log_folder)
    print(json.dumps(write_csv(loaded.config, loaded.base_dir, output)))


if __name__ == "__main__":
    main()
