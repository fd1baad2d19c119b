"""Runs `ingest` on small files and reads back what it wrote, with TensorFlow's own parser."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from rankbeam.components.example_gen.counts import SplitCounts
from rankbeam.components.example_gen.ingest import ingest
from rankbeam.components.example_gen.paths import check_source
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.components.example_gen.writer import SHARD_ROWS

Row = dict[str, list[Any]]


def make_spec(
    path: str,
    kind: str = "parquet",
    *,
    columns: Mapping[str, str | None],
    split: Mapping[str, Any] | None = None,
    multivalent: Sequence[str] = (),
    derive: Mapping[str, Any] | None = None,
    **source: Any,
) -> ExampleGenSpec:
    """A spec from plain values; by default every fifth row or so is evaluated."""
    data = {
        "source": {"kind": kind, "path": path, **source},
        "split": split or {"kind": "row_hash"},
        "derive": derive or {},
    }
    return ExampleGenSpec.model_validate(
        {"data": data, "columns": columns, "multivalent": tuple(multivalent)}
    )


def run(
    spec: ExampleGenSpec, base: Path, output: str = "output", shard_rows: int = SHARD_ROWS
) -> dict[str, SplitCounts]:
    """Ingest the source below `base` into `base/output`."""
    return ingest(spec, check_source(spec.data, str(base)), str(base / output), shard_rows)


def run_all(spec: ExampleGenSpec, base: Path) -> list[Row]:
    """Ingest, then every row of both splits, train first."""
    run(spec, base)
    return read_split(base / "output", "train") + read_split(base / "output", "eval")


def read_split(folder: Path, split: str) -> list[Row]:
    """The rows of a split: feature name to values, in stored order."""
    records = tf.data.TFRecordDataset(_files(folder, split), compression_type="GZIP")
    return [_row(record) for record in records.as_numpy_iterator()]


MISSING: dict[str, Any] = {"int": -1, "float": np.nan, "string": b"(missing)"}
"""What stands for a missing value in `read_columns`, by kind."""


def read_columns(folder: Path, split: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Feature name to [rows] its one value, read by TensorFlow in one go; for large splits."""
    dtypes = {"int": tf.int64, "float": tf.float32, "string": tf.string}
    features = {
        name: tf.io.FixedLenFeature([], dtypes[kind], MISSING[kind]) for name, kind in kinds.items()
    }
    records = tf.data.TFRecordDataset(_files(folder, split), compression_type="GZIP")
    everything = next(records.batch(1 << 20).as_numpy_iterator())
    return {name: v.numpy() for name, v in tf.io.parse_example(everything, features).items()}


def split_bytes(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns to a Parquet file, in new folders where need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path)


def write_avro(
    path: Path,
    fields: Sequence[Any],
    rows: Iterable[Any],
    codec: str = "deflate",
    sync_interval: int = 16_000,
) -> None:
    """Write rows to an Avro file, in new folders where need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = fastavro.parse_schema({"type": "record", "name": "Row", "fields": list(fields)})
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec=codec, sync_interval=sync_interval)


def _files(folder: Path, split: str) -> list[str]:
    return sorted(str(path) for path in (folder / f"Split-{split}").iterdir())


def _row(record: bytes) -> Row:
    features = tf.train.Example.FromString(record).features.feature
    return {name: _values(features[name]) for name in features}


def _values(feature: tf.train.Feature) -> list[Any]:
    kind = feature.WhichOneof("kind")
    return [] if kind is None else list(getattr(feature, kind).value)
