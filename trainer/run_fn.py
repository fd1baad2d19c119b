"""The Trainer's entry point, named in the DAG as `rankbeam.trainer.run_fn.run_fn`."""

import json
import time
from typing import TYPE_CHECKING

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from rankbeam.trainer.batches import Split, read_split
from rankbeam.trainer.export import export_model
from rankbeam.trainer.fit import History, fit
from rankbeam.trainer.keras_check import check_legacy_keras
from rankbeam.trainer.model import RankingModel, build_structure
from rankbeam.trainer.seeding import start_afresh
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.transform.layout import read_layout
from rankbeam.transform.specs.options import CONFIG_KEY

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs

HISTORY_FILE = "training_history.json"
"""Name of the losses' file in the `model_run` artifact."""


def run_fn(fn_args: "FnArgs") -> None:
    """Trains, exports and logs one model.

    The same data and seed give the same weights: operations run deterministically, and weights,
    dropout and the order of rows depend on `training.seed` alone.

    Args:
        fn_args: TFX's arguments; read are `transform_output`, `train_files`, `eval_files`,
            `train_steps` (where set, in place of `training.max_steps`), `custom_config`
            (TrainerOptions as JSON under the key `rankbeam`), `serving_model_dir` and
            `model_run_dir`.

    Raises:
        DataError: A split has no rows.
        EnvironmentFault: TensorFlow runs another Keras than version 2.
        GateError: The loss became NaN or infinite.
    """
    check_legacy_keras()
    options = TrainerOptions.model_validate_json(fn_args.custom_config[CONFIG_KEY])
    start_afresh(options.training.seed)
    started = time.perf_counter()
    labels = options.funnel.labels
    spec = tft.TFTransformOutput(fn_args.transform_output).transformed_feature_spec()
    train = read_split(fn_args.train_files, spec, labels)
    evaluation = read_split(fn_args.eval_files, spec, labels)
    layout = read_layout(fn_args.transform_output, options.transform)
    model = RankingModel(layout, tuple(options.tasks), options.model)
    structure = build_structure(options.funnel, options.model.structure)
    training = options.training
    if fn_args.train_steps is not None:
        training = training.model_copy(update={"max_steps": fn_args.train_steps})
    history = fit(model, structure, train, evaluation, training)
    _write_history(history, train, evaluation, model, fn_args.model_run_dir, started)
    export_model(model, structure, fn_args.transform_output, options, fn_args.serving_model_dir)


def _write_history(
    history: History,
    train: Split,
    evaluation: Split,
    model: tf_keras.layers.Layer,
    folder: str,
    started: float,
) -> None:
    content = {
        "rows": {"train": train.rows, "eval": evaluation.rows},
        "parameters": model.count_params(),
        "seconds": time.perf_counter() - started,
        **history.as_json(),
    }
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(tf.io.gfile.join(folder, HISTORY_FILE), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
