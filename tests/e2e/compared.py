"""What nodes wrote, read without Rankbeam's own code, in forms that two runs can be compared by."""

import math
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import statistics_pb2

# Engines add the same float64 numbers in other orders.
SUMMATION = 1e-9
# Means and deviations that differ by so little move a scaled float32 by its last bits.
SCALED_FLOAT32 = 1e-6
# Runners cut batches elsewhere, on which a float32 score depends by its last bits; a sum of few
# rows does too.
SCORED_FLOAT32 = 1e-6
# A ranking notices more where rows are as good as equal, as an untrained model's are.
RANKING = 2e-3
# One such pair that changes places at the top is worth 1 / (2 × positives) of average precision:
# 0.013 in a slice with 39 clicks.
_RANKING_METRICS = {"auc": RANKING, "pr_auc": 2e-2}

SPLITS = ("train", "eval")

Row = tuple[tuple[tuple[str, tuple[Any, ...]], ...], tuple[float, ...]]
"""An example: its features that are compared exactly, and its floats in order of name."""


def first_artifact(output: Path, node: str, key: str) -> Path:
    """The folder of a node's first execution that has this output."""
    return min((output / "artifacts" / node / key).iterdir(), key=lambda path: int(path.name))


def last_artifact(output: Path, node: str, key: str) -> Path:
    """The folder of a node's last execution that has this output."""
    return max((output / "artifacts" / node / key).iterdir(), key=lambda path: int(path.name))


def statistics(output: Path, split: str) -> Any:
    """TFDV's statistics of a split, as plain dictionaries, with the features in order of name."""
    folder = first_artifact(output, "StatisticsGen", "statistics") / f"Split-{split}"
    data = (folder / "FeatureStats.pb").read_bytes()
    message = statistics_pb2.DatasetFeatureStatisticsList.FromString(data)
    for dataset in message.datasets:
        # They come in the order in which workers were done.
        dataset.features.sort(key=lambda feature: tuple(feature.path.step))
    return json_format.MessageToDict(message)


def rows(output: Path, node: str, key: str, split: str) -> list[Row]:
    """A split's examples as a sorted list: a multiset that can be compared by eye."""
    files = (first_artifact(output, node, key) / f"Split-{split}").iterdir()
    records = tf.data.TFRecordDataset([str(file) for file in files], "GZIP")
    return sorted(_row(record) for record in records.as_numpy_iterator())


def assets(output: Path) -> dict[str, str]:
    """Transform's vocabularies: file name to text."""
    folder = first_artifact(output, "Transform", "transform_graph") / "transform_fn" / "assets"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def metrics(evaluation: Path) -> dict[tuple[Any, ...], float]:
    """Metrics by slice, output and name, of those that are one number."""
    found = {}
    for key, outputs in tfma.load_eval_result(str(evaluation)).slicing_metrics:
        for output, kinds in outputs.items():
            for values in kinds.values():
                for name, value in values.items():
                    if "doubleValue" in value:
                        found[key, output, name] = float(value["doubleValue"])
    return found


def assert_alike(left: Any, right: Any, relative: float, place: str = "") -> None:
    """Equal but for floats, which are within `relative` of each other."""
    if isinstance(left, float) and isinstance(right, float):
        # Differences of numbers that nearly cancel are measured against 1.
        close = math.isclose(left, right, rel_tol=relative, abs_tol=relative)
        assert close or (math.isnan(left) and math.isnan(right)), f"{place}: {left} {right}"
        return
    assert type(left) is type(right), place
    if isinstance(left, dict):
        assert left.keys() == right.keys(), place
        for key, value in left.items():
            assert_alike(value, right[key], relative, f"{place}.{key}")
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), place
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            assert_alike(one, other, relative, f"{place}[{number}]")
    else:
        assert left == right, place


def assert_metrics_alike(
    left: dict[tuple[Any, ...], float],
    right: dict[tuple[Any, ...], float],
    sums: float = SCORED_FLOAT32,
) -> None:
    """Metrics on the same rows: those that are sums within `sums`, rankings nearly.

    Args:
        left: Those of a model.
        right: Those of the same model, or of one whose scores differ as little.
        sums: By how much sums may differ; by default as little as one model's do.
    """
    assert left.keys() == right.keys()
    for key, value in left.items():
        assert_alike(value, right[key], _RANKING_METRICS.get(key[-1], sums), str(key))


def _row(record: bytes) -> Row:
    features = tf.train.Example.FromString(record).features.feature
    exact: list[Any] = []
    floats: list[Any] = []
    for name in sorted(features):
        kind = features[name].WhichOneof("kind")
        values = tuple(getattr(features[name], kind).value) if kind else ()
        if kind == "float_list":
            # So that rows with a last bit that differs are sorted alike.
            floats.extend(values)
            exact.append((name, (len(values),)))
        else:
            exact.append((name, values))
    return tuple(exact), tuple(floats)
