"""How long the Evaluator node takes: TFMA's own metrics and extractors, against Rankbeam's.

Both sides run the same executor on the same SavedModel (three outputs, ESMM's), rows and 35 slices,
each in a process of its own, in turn; imports are not counted. The stock side has the metrics that
TFMA has (AUC, PR-AUC, log loss, calibration, count, calibration plot); Rankbeam's has two more,
normalized entropy and ECE. Run: `python benchmarks/evaluator.py`.
"""

from __future__ import annotations

import argparse
import logging
import math
import multiprocessing
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator.executor import Executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.evaluator.config import EXTRACTORS_MODULE, build_eval_config
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec
from rankbeam.pipeline.dag import BEAM_ARGS

OUTPUTS = (
    EvaluatedOutput(name="click", label="click"),
    EvaluatedOutput(name="conversion", label="conversion", given_label="click"),
    EvaluatedOutput(name="ctcvr", label="conversion"),
)
# All rows, 3 devices, 5 countries, 11 categories, 15 device x country: 35 slices.
SLICED = {"device": 3, "country": 5, "category": 11}
SLICES = (("device",), ("country",), ("category",), ("device", "country"))
OTHER_TEXTS = {f"text_{index}": 50 for index in range(7)}
NUMBERS = tuple(f"number_{index}" for index in range(5))
TEXTS = {**SLICED, **OTHER_TEXTS}
STOCK_METRICS = (
    "AUC",
    "AUCPrecisionRecall",
    "BinaryCrossEntropy",
    "Calibration",
    "ExampleCount",
    "CalibrationPlot",
)
SIDES = ("stock", "rankbeam")
_HASH_BUCKETS = 1000


def serialized_rows(num_rows: int, seed: int = 0) -> Iterator[bytes]:
    """Impressions as tf.Examples: ten texts, five numbers, a click and a conversion."""
    generator = np.random.default_rng(seed)
    texts = {name: generator.integers(0, size, num_rows) for name, size in TEXTS.items()}
    numbers = {name: generator.normal(size=num_rows) for name in NUMBERS}
    first, second = numbers["number_0"], numbers["number_1"]
    click = generator.random(num_rows) < _sigmoid(first - 2 + 0.3 * (texts["device"] == 0))
    conversion = click & (generator.random(num_rows) < _sigmoid(second - 1))
    for row in range(num_rows):
        feature = {name: _bytes(f"{name}_{codes[row]}") for name, codes in texts.items()}
        feature |= {name: _float(values[row]) for name, values in numbers.items()}
        feature |= {"click": _int(click[row]), "conversion": _int(conversion[row])}
        yield tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def save_model(folder: Path, seed: int = 0) -> None:
    """A SavedModel that parses every column and answers from all of them."""
    generator = np.random.default_rng(seed)
    columns = {name: tf.io.FixedLenFeature([], tf.string) for name in TEXTS}
    columns |= {name: tf.io.FixedLenFeature([], tf.float32) for name in NUMBERS}

    class Scores(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            shape = (2, len(TEXTS), _HASH_BUCKETS)
            self.weights = tf.Variable(generator.normal(0, 0.05, shape), dtype=tf.float32)

        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
        )
        def answer(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, columns)
            bias = [0.0, 0.0]
            for index, name in enumerate(TEXTS):
                buckets = tf.strings.to_hash_bucket_fast(parsed[name], _HASH_BUCKETS)
                for task in range(2):
                    bias[task] += tf.gather(self.weights[task, index], buckets)
            click = tf.sigmoid(parsed["number_0"] - 2 + bias[0])[:, None]
            conversion = tf.sigmoid(parsed["number_1"] - 1 + bias[1])[:, None]
            return {"click": click, "conversion": conversion, "ctcvr": click * conversion}

    module = Scores()
    tf.saved_model.save(
        module, str(folder / "Format-Serving"), signatures={"serving_default": module.answer}
    )


def eval_config(side: str) -> Any:
    """What each side is asked for."""
    config = build_eval_config(EvaluationSpec(slices=SLICES), OUTPUTS)
    if side == "stock":
        del config.metrics_specs[:]
        metrics = [config_pb2.MetricConfig(class_name=name) for name in STOCK_METRICS]
        config.metrics_specs.extend(
            config_pb2.MetricsSpec(output_names=[output.name], metrics=metrics)
            for output in OUTPUTS
        )
    return config


def run_node(side: str, folder: Path) -> float:
    """Seconds of one `Do` of the Evaluator's executor on the examples and model in `folder`."""
    examples, model = standard_artifacts.Examples(), standard_artifacts.Model()
    examples.uri, model.uri = str(folder / "examples"), str(folder / "model")
    examples.split_names = artifact_utils.encode_split_names(["eval"])
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(folder / side), str(folder / f"{side}-blessing")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(BEAM_ARGS),
        tmp_dir=str(folder / "tmp"),
        unique_id=side,
    )
    properties = {
        "eval_config": proto_utils.proto_to_json(eval_config(side)),
        "example_splits": '["eval"]',
        "module_path": EXTRACTORS_MODULE if side == "rankbeam" else None,
    }
    start = time.perf_counter()
    Executor(context).Do(
        {"examples": [examples], "model": [model]},
        {"evaluation": [evaluation], "blessing": [blessing]},
        properties,
    )
    return time.perf_counter() - start


def prepare(folder: Path, num_rows: int) -> None:
    """Writes the examples and the model into `folder`."""
    split = folder / "examples" / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
        for row in serialized_rows(num_rows):
            writer.write(row)
    save_model(folder / "model")


def largest_difference(folder: Path, stock_name: str, our_name: str) -> float:
    """Largest difference of a metric between the sides, over outputs and defined slices."""
    stock, ours = (
        dict(tfma.load_eval_result(str(folder / side)).slicing_metrics) for side in SIDES
    )
    differences = [
        abs(_value(stock[key][output.name], stock_name) - _value(ours[key][output.name], our_name))
        for key in stock
        for output in OUTPUTS
    ]
    return max(value for value in differences if not math.isnan(value))


def _value(metrics: Any, name: str) -> float:
    return float(metrics[""][name]["doubleValue"])


def _measure(side: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory of one side, in this process."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    return run_node(side, folder), _peak_mb()


def _peak_mb() -> float:
    """Peak resident memory of this process, in MB of 10**6 bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmHWM")


def _sigmoid(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits))


def _bytes(text: str) -> Any:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))


def _float(value: float) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def _int(value: object) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(bool(value))]))


def main() -> None:
    """Measures both sides in turn and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--side", choices=SIDES, help="only this side")
    options = parser.parse_args()
    sides = [options.side] if options.side else list(SIDES)
    runs: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, options.rows)
        for _ in range(options.repeats):
            for side in sides:
                with context.Pool(1) as pool:
                    runs[side].append(pool.apply(_measure, (side, folder)))
        if len(sides) == len(SIDES):
            auc = largest_difference(folder, "auc", "auc")
            loss = largest_difference(folder, "binary_crossentropy", "log_loss")
            print(f"largest difference over slices: AUC {auc:.1e}, log loss {loss:.1e}")
    medians = {
        side: [statistics.median(c) for c in zip(*r, strict=True)] for side, r in runs.items()
    }
    print(f"{'side':<12}{'rows':>10}{'seconds':>10}{'peak MB':>10}")
    for side, (seconds, peak) in medians.items():
        print(f"{side:<12}{options.rows:>10,}{seconds:>10.1f}{peak:>10,.0f}")
    if len(sides) == len(SIDES):
        ratio = medians["stock"][0] / medians["rankbeam"][0]
        print(f"ratio of seconds: {ratio:.1f} (median of {options.repeats})")


if __name__ == "__main__":
    main()
