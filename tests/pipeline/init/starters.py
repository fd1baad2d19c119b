"""Data to look at, and the checked config that comes of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.init.starter import write_starter


def starter(data: Path, folder: Path) -> RankbeamConfig:
    """The starter config for `data`, read and checked as a run would."""
    output = folder / "rankbeam.yaml"
    write_starter(data, output)
    return load_config(output).config


def kinds(config: RankbeamConfig) -> dict[str, str]:
    """Feature name to kind."""
    return {name: feature.kind for name, feature in config.features.items()}


def log_columns(rows: int, seed: int = 0) -> dict[str, Any]:
    """Columns of a small log of impressions, in order of time."""
    rng = np.random.default_rng(seed)
    click = rng.random(rows) < 0.2
    conversion = click & (rng.random(rows) < 0.3)
    return {
        "row": np.arange(rows),
        "user_id": [f"u{i}" for i in rng.integers(300, size=rows)],
        "offer_id": rng.integers(10_000, 10_400, size=rows),
        "device": rng.choice(["mobile", "desktop", "tablet"], size=rows),
        "position": rng.integers(1, 5, size=rows),
        "price": np.exp(rng.normal(2, 1.5, size=rows)),
        "age": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(40, 10, size=rows)),
        "constant": np.full(rows, "x"),
        "nothing": pa.nulls(rows, pa.string()),
        "revenue": np.where(conversion, rng.random(rows) + 1, 0.0),
        "propensity": rng.random(rows),
        "click": click.astype(np.int64),
        "conversion": conversion.astype(np.int64),
    }


def write_parquet(path: Path, columns: Mapping[str, Any]) -> Path:
    """Write columns as Parquet; NaN is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(
        {
            name: values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
            for name, values in columns.items()
        }
    )
    pq.write_table(table, path)
    return path


def write_csv(path: Path, columns: Mapping[str, Any], *, header: bool = True) -> Path:
    """Write columns as plain CSV; None and NaN are empty."""
    rows = list(zip(*(_cells(values) for values in columns.values()), strict=True))
    lines = [",".join(columns)] if header else []
    lines += [",".join(row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _cells(values: Any) -> list[str]:
    items = values.to_pylist() if isinstance(values, pa.Array) else list(values)
    return ["" if item is None or item != item else str(item) for item in items]  # noqa: PLR0124
