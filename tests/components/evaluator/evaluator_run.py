"""Runs the Evaluator's executor on a model whose predictions are columns of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.evaluator.config import EXTRACTORS_MODULE, build_eval_config
from rankbeam.components.evaluator.evaluation import Evaluation
from rankbeam.components.evaluator.executor import Executor
from rankbeam.components.evaluator.report import read_evaluation
from rankbeam.components.evaluator.slices import SliceKey
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec
from rankbeam.pipeline.dag import BEAM_ARGS
from tests.components.tf_examples import Row, encode
from tests.reference import binary_metrics as reference

OUTPUTS = (
    EvaluatedOutput(name="click", label="click"),
    EvaluatedOutput(name="conversion", label="conversion", given_label="click"),
    EvaluatedOutput(name="ctcvr", label="conversion"),
)


@dataclass(frozen=True)
class Run:
    """Artifacts of one run."""

    evaluation: standard_artifacts.ModelEvaluation
    blessing: standard_artifacts.ModelBlessing

    def read(self) -> Evaluation:
        """The results through `read_evaluation`."""
        return read_evaluation(self.evaluation.uri, self.blessing.uri)


def marketplace(num_rows: int, seed: int = 0) -> list[Row]:
    """Impressions with predictions `p_click`, `p_conversion` that their outcomes follow.

    One row in ten has no device; `age` 30 never clicks.
    """
    generator = np.random.default_rng(seed)
    p_click = generator.beta(2, 3, num_rows).astype(np.float32)
    p_conversion = generator.beta(2, 5, num_rows).astype(np.float32)
    device = generator.choice(["mobile", "desktop", ""], num_rows, p=[0.6, 0.3, 0.1])
    age = generator.choice([20, 30], num_rows)
    click = (generator.random(num_rows) < p_click) & (age != 30)
    conversion = click & (generator.random(num_rows) < p_conversion)
    return [
        {
            "p_click": float(p_click[i]),
            "p_conversion": float(p_conversion[i]),
            "device": str(device[i]) or None,
            "country": ["de", "fr"][i % 2],
            "age": int(age[i]),
            "click": int(click[i]),
            "conversion": int(conversion[i]),
        }
        for i in range(num_rows)
    ]


ROWS = marketplace(600)


def rows_of(key: SliceKey) -> list[Row]:
    """Those of `ROWS` in a slice."""
    return [row for row in ROWS if all(row[column] == value for column, value in key)]


def arrays(output: str, rows: Sequence[Row]) -> reference.Rows:
    """Labels, the model's predictions and weights of the rows that `output` is measured on."""
    click = np.array([row["p_click"] for row in rows], np.float32)
    conversion = np.array([row["p_conversion"] for row in rows], np.float32)
    predictions = {"click": click, "conversion": conversion, "ctcvr": click * conversion}[output]
    label = "click" if output == "click" else "conversion"
    labels = np.array([row[label] for row in rows], np.float64)
    clicked = np.array([row["click"] for row in rows], np.float64)
    weights = clicked if output == "conversion" else np.ones(len(rows))
    counted = weights > 0
    return labels[counted], predictions[counted].astype(np.float64), weights[counted]


def write_examples(rows: Sequence[Row], folder: Path) -> standard_artifacts.Examples:
    """An Examples artifact with the split eval."""
    split = folder / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data-00000-of-00001.gz"), "GZIP") as writer:
        for example in encode(rows):
            writer.write(example)
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    return examples


def write_model(
    folder: Path, *, click_power: float = 1.0, outputs: Sequence[str] = ("click", "ctcvr")
) -> standard_artifacts.Model:
    """A SavedModel that answers the prediction columns.

    Args:
        folder: The artifact's folder.
        click_power: The answer for click is p_click to this power; below 0 it ranks backwards.
        outputs: Outputs besides conversion.
    """
    columns = {name: tf.io.FixedLenFeature([1], tf.float32) for name in ("p_click", "p_conversion")}

    class Columns(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
        )
        def answer(self, examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, columns)
            power = parsed["p_click"] ** click_power
            click = power if click_power > 0 else 1 - parsed["p_click"]
            conversion = parsed["p_conversion"]
            every = {"click": click, "conversion": conversion, "ctcvr": click * conversion}
            return {name: every[name] for name in ("conversion", *outputs)}

    module = Columns()
    signatures = {"serving_default": module.answer}
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures=signatures)
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model


def write_schema(folder: Path, types: Mapping[str, str]) -> standard_artifacts.Schema:
    """A Schema artifact of optional columns: name to INT, FLOAT or BYTES."""
    folder.mkdir()
    features = [f'feature {{ name: "{name}" type: {kind} }}' for name, kind in types.items()]
    (folder / "schema.pbtxt").write_text("\n".join(features))
    schema = standard_artifacts.Schema()
    schema.uri = str(folder)
    return schema


def run_evaluator(
    folder: Path,
    examples: standard_artifacts.Examples,
    spec: EvaluationSpec,
    model: standard_artifacts.Model,
    *,
    baseline: standard_artifacts.Model | None = None,
    outputs: tuple[EvaluatedOutput, ...] = OUTPUTS,
    schema: standard_artifacts.Schema | None = None,
    module_path: str | None = EXTRACTORS_MODULE,
) -> Run:
    """One run of the real executor; its artifacts are in `folder`."""
    run = Run(standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing())
    run.evaluation.uri, run.blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
    inputs = {"examples": [examples], "model": [model]}
    if baseline is not None:
        inputs["baseline_model"] = [baseline]
    if schema is not None:
        inputs["schema"] = [schema]
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(BEAM_ARGS), tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        inputs,
        {"evaluation": [run.evaluation], "blessing": [run.blessing]},
        {
            "eval_config": proto_utils.proto_to_json(build_eval_config(spec, outputs)),
            "example_splits": '["eval"]',
            "module_path": module_path,
        },
    )
    return run
