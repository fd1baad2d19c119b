"""A real pipeline, as small as one can be: a few thousand impressions, three features."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import write

NODES = (
    "ExampleGen",
    "StatisticsGen",
    "SchemaGen",
    "SchemaContract",
    "ExampleValidator",
    "DataGate",
    "Transform",
    "Trainer",
    "Baseline",
    "InfraValidator",
    "ParityCheck",
    "Evaluator",
    "Pusher",
)
"""In the order in which they run."""

IMPORTING_NODES = tuple("ImportSchemaGen" if node == "SchemaGen" else node for node in NODES)
"""Those of a run that reads its schema from a file."""

_CONFIG: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "source": {"kind": "parquet", "path": "span-{SPAN}/log/*.parquet"},
        "split": {"kind": "time", "column": "timestamp", "eval_fraction": 0.2},
    },
    "features": {
        "offer_id": {"kind": "id", "vocabulary_size": 200, "embedding_dim": 4},
        "device": {"kind": "categorical", "domain": ["mobile", "desktop", "tablet"]},
        "price": {"kind": "numeric", "scaling": "log"},
    },
    "tasks": {
        "click": {"label": "click"},
        "conversion": {"label": "conversion", "given": "click"},
    },
    "model": {
        "encoder": {"embedding_dim": 4},
        "sharing": {"kind": "shared_bottom", "hidden": [8]},
        "structure": {"kind": "esmm"},
        "towers": {"hidden": [4]},
    },
    "training": {"batch_size": 512, "epochs": 1},
    "evaluation": {
        "slices": [["device"]],
        # Loose: what is tested is that a run passes, not how well three features predict.
        "gates": [
            {"output": "click", "metric": "auc", "min": 0.2, "max_worse": 0.5},
        ],
    },
    "serving": {
        "validation": {"num_examples": 4, "server": "embedded"},
        "parity": {"num_examples": 70, "server": "embedded"},
    },
}


def write_market(folder: Path, spans: int = 2) -> Path:
    """Simulate one log per span, of the same marketplace, into `folder/span-1`, `span-2`, ..."""
    for span in range(1, spans + 1):
        spec = MarketplaceSpec(
            impressions=3_000, days=4, click_rate=0.3, conversion_rate=0.4, replicate=span
        )
        write(spec, folder / f"span-{span}")
    return folder


def read_log(market: Path) -> pa.Table:
    """The first span's log."""
    [path] = (market / "span-1" / "log").glob("*.parquet")
    return pq.ParquetFile(path).read()


def write_config(folder: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """Write the tiny config to `folder/rankbeam.yaml`, with `changes` at dotted places."""
    config = copy.deepcopy(_CONFIG)
    for place, value in (changes or {}).items():
        *parents, last = place.split(".")
        section = config
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rankbeam.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file


def run_words(config: Path, market: Path, output: Path) -> tuple[object, ...]:
    """The command that runs a config on the market's first span."""
    return ("run", config, "--data", market, "--span", 1, "--output", output)
