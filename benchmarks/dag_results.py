"""What a finished DAG did: seconds of each node, and how good the pushed model is.

One ruler for both sides of `benchmarks/dag.py`: times are ML Metadata's, and the pushed model is
asked again for the DAG's own eval examples.
Run: `python -m benchmarks.dag_results CONFIG OUTPUT PUSHED`; prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import rankbeam  # noqa: F401  # asks for Keras 2, which must happen before TensorFlow is imported

# isort: split
import tensorflow as tf
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.simulator.oracle import auc

_BATCH_ROWS = 1000


def node_seconds(metadata: Path) -> tuple[dict[str, float], float]:
    """Seconds of each node in the order of their starts, and from the first start to the last end.

    Args:
        metadata: ML Metadata's SQLite file after one run.
    """
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(metadata)
    store = MetadataStore(connection)
    spans = sorted(
        (execution.create_time_since_epoch, execution.last_update_time_since_epoch, context.name)
        for context in store.get_contexts_by_type("node")
        for execution in store.get_executions_by_context(context.id)
    )
    seconds = {name.rpartition(".")[2]: (end - start) / 1e3 for start, end, name in spans}
    return seconds, (max(end for _, end, _ in spans) - spans[0][0]) / 1e3


def quality(config: RankbeamConfig, artifacts: Path, pushed: Path) -> dict[str, Any]:
    """Exact AUC over all eval impressions of each output that is defined on them.

    Args:
        config: Names outputs and labels.
        artifacts: The pipeline root, with one ExampleGen's examples.
        pushed: Folder with the pushed version.

    Raises:
        FileNotFoundError: No version was pushed.
    """
    versions = [folder for folder in pushed.glob("*") if folder.name.isdigit()]
    if not versions:
        raise FileNotFoundError(f"a version must have been pushed to {pushed}; found none")
    answer = tf.saved_model.load(str(versions[0])).signatures["serving_default"]
    files = sorted(map(str, artifacts.glob("*ExampleGen/examples/*/Split-eval/*")))
    examples = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH_ROWS)
    labels = {one.name: one.label for one in config.funnel.outputs if one.given_label is None}
    parts: dict[str, list[Any]] = {name: [] for name in labels}
    for batch in examples:
        scores = answer(batch)
        known = tf.io.parse_example(
            batch, {label: tf.io.FixedLenFeature([], tf.int64) for label in labels.values()}
        )
        for name, label in labels.items():
            parts[name].append((known[label].numpy(), scores[name].numpy()[:, 0]))
    columns = {
        name: [np.concatenate(column) for column in zip(*rows, strict=True)]
        for name, rows in parts.items()
    }
    return {
        "rows": max(target.size for target, _ in columns.values()),
        "positives": {name: int(target.sum()) for name, (target, _) in columns.items()},
        "auc": {name: auc(target, score) for name, (target, score) in columns.items()},
    }


def main() -> None:
    """Prints times and quality as one line of JSON."""
    config_file, output, pushed = map(Path, sys.argv[1:])
    nodes, dag = node_seconds(output / "metadata.sqlite")
    found = quality(load_config(config_file).config, output / "artifacts", pushed)
    print(json.dumps({"nodes": nodes, "dag": dag, "eval": found}))


if __name__ == "__main__":
    main()
