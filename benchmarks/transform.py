"""How long the Transform node takes: an analyzer for each column, against one for all of them.

Both sides run the stock executor on the same rows (10 categorical and 5 numeric columns, two
labels), each in a process of its own, in turn; imports are not counted. Each side runs twice: with
the transformed examples written, as TFX does by default, and without (a trainer can apply the saved
transform to raw examples in batches, at a fraction of what writing costs).
Run: `python -m benchmarks.transform`.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.transform.executor import Executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, json_utils
from tfx_bsl.coders import example_coder

from benchmarks.vanilla import preprocessing as vanilla
from rankbeam.pipeline.dag import BEAM_ARGS
from rankbeam.transform import preprocessing
from rankbeam.transform.specs.options import CONFIG_KEY, TransformOptions

# Distinct values of each categorical column.
SIZES = (3, 5, 7, 10, 50, 100, 200, 1000, 5000, 20_000)
TEXTS = {f"text_{index}": size for index, size in enumerate(SIZES)}
NUMBERS = tuple(f"number_{index}" for index in range(5))
LABELS = ("click", "conversion")
SPLITS = {"train": 0.8, "eval": 0.2}
_MISSING = 0.05
_BATCH_ROWS = 10_000

_FEATURES: dict[str, dict[str, Any]] = {
    **{name: {"kind": "categorical", "vocabulary_size": 10_000} for name in TEXTS},
    **{name: {"kind": "numeric"} for name in NUMBERS},
    NUMBERS[0]: {"kind": "numeric", "scaling": "log"},
    NUMBERS[1]: {"kind": "numeric", "scaling": "quantile_buckets"},
}
OPTIONS = TransformOptions.model_validate({"features": _FEATURES, "labels": LABELS})

# Side to its module and the key under which it finds its options.
SIDES = {
    "per column": (vanilla, vanilla.CONFIG_KEY),
    "rankbeam": (preprocessing, CONFIG_KEY),
}


def record_batches(num_rows: int, seed: int = 0) -> Iterator[pa.RecordBatch]:
    """Impressions: power-law texts, lognormal numbers, 5 % of both missing, and two labels."""
    generator = np.random.default_rng(seed)
    for start in range(0, num_rows, _BATCH_ROWS):
        rows = min(_BATCH_ROWS, num_rows - start)
        columns = {}
        for name, size in TEXTS.items():
            codes = np.minimum(generator.pareto(1.1, rows) * size / 20, size - 1).astype(int)
            texts = [b"value_%d" % code for code in codes.tolist()]
            columns[name] = _lists(texts, pa.large_binary(), generator)
        for name in NUMBERS:
            numbers = generator.lognormal(1, 1, rows).tolist()
            columns[name] = _lists(numbers, pa.float32(), generator)
        for label in LABELS:
            clicked = (generator.random(rows) < 0.1).astype(int)
            columns[label] = pa.array(
                [[one] for one in clicked.tolist()], pa.large_list(pa.int64())
            )
        yield pa.RecordBatch.from_pydict(columns)


def _lists(values: list[Any], kind: pa.DataType, generator: np.random.Generator) -> pa.Array:
    missing = generator.random(len(values)) < _MISSING
    lists = [None if gone else [one] for gone, one in zip(missing, values, strict=True)]
    return pa.array(lists, pa.large_list(kind))


def schema() -> schema_pb2.Schema:
    """Every column optional, as Rankbeam's schema contract leaves it."""
    types = {
        **dict.fromkeys(TEXTS, schema_pb2.BYTES),
        **dict.fromkeys(NUMBERS, schema_pb2.FLOAT),
        **dict.fromkeys(LABELS, schema_pb2.INT),
    }
    return schema_pb2.Schema(
        feature=[schema_pb2.Feature(name=name, type=kind) for name, kind in types.items()]
    )


def prepare(folder: Path, num_rows: int) -> None:
    """Writes the examples and the schema into `folder`."""
    encoder = example_coder.RecordBatchToExamplesEncoder(schema())
    for seed, (split, fraction) in enumerate(SPLITS.items()):
        target = folder / "examples" / f"Split-{split}"
        target.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(target / "data-00000-of-00001.gz"), "GZIP") as writer:
            for batch in record_batches(round(num_rows * fraction), seed):
                for example in encoder.encode(batch):
                    writer.write(example)
    io_utils.write_pbtxt_file(str(folder / "schema" / "schema.pbtxt"), schema())


def run_node(side: str, materialize: bool, folder: Path, output: Path) -> float:
    """Seconds of one `Do` of the Transform executor on what `prepare` wrote."""
    examples, schema_artifact = standard_artifacts.Examples(), standard_artifacts.Schema()
    examples.uri, schema_artifact.uri = str(folder / "examples"), str(folder / "schema")
    examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
    graph, transformed = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    graph.uri, transformed.uri = str(output / "graph"), str(output / "transformed")
    module, key = SIDES[side]
    properties = {
        "preprocessing_fn": f"{module.__name__}.preprocessing_fn",
        "custom_config": json_utils.dumps({key: OPTIONS.model_dump_json()}),
        "disable_statistics": 1,
    }
    # No Beam arguments: with any, TFX first packages itself, which takes longer than analyzing.
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(BEAM_ARGS), tmp_dir=str(output / "tmp"), unique_id="transform"
    )
    outputs = {"transform_graph": [graph]}
    if materialize:
        outputs["transformed_examples"] = [transformed]
    start = time.perf_counter()
    Executor(context).Do({"examples": [examples], "schema": [schema_artifact]}, outputs, properties)
    return time.perf_counter() - start


def _measure(side: str, materialize: bool, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory of one run, in this process."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as output:
        return run_node(side, materialize, folder, Path(output)), _peak_mb()


def _peak_mb() -> float:
    """Peak resident memory of this process, in MB of 10**6 bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmHWM")


def main() -> None:
    """Measures all runs in turn and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="of both splits together")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    runs: dict[tuple[bool, str], list[tuple[float, float]]] = {
        (materialize, side): [] for materialize in (True, False) for side in SIDES
    }
    process = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), options.rows)
        for _ in range(options.repeats):
            for (materialize, side), figures in runs.items():
                with process.Pool(1) as pool:
                    figures.append(pool.apply(_measure, (side, materialize, Path(name))))
    print(f"{'examples':<10}{'side':<12}{'rows':>10}{'seconds':>10}{'peak MB':>10}")
    for (materialize, side), figures in runs.items():
        seconds, peak = (statistics.median(column) for column in zip(*figures, strict=True))
        written = "written" if materialize else "not"
        print(f"{written:<10}{side:<12}{options.rows:>10,}{seconds:>10.1f}{peak:>10,.0f}")
    for materialize in (True, False):
        slow, fast = (statistics.median(s for s, _ in runs[materialize, side]) for side in SIDES)
        written = "written" if materialize else "not written"
        print(f"ratio of seconds, examples {written}: {slow / fast:.1f}")


if __name__ == "__main__":
    main()
