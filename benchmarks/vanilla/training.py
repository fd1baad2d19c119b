"""`run_fn` as TFX's taxi template writes it: tf_keras compile and fit on TFX's own dataset.

The layers between the inputs and the logits are Rankbeam's, so both sides train one architecture.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tfx_bsl.public import tfxio

from rankbeam.trainer.model import RankingModel
from rankbeam.trainer.optimizer import build_optimizer
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.transform.layout import TransformedFeature
from rankbeam.transform.specs.features import Feature, MultivalentFeature, NumericFeature
from rankbeam.transform.specs.options import indicator_name

CONFIG_KEY = "options"
"""Key of `custom_config` under which TrainerOptions travel as JSON."""


def run_fn(fn_args: Any) -> None:
    """Trains and exports; the arguments are TFX's `FnArgs`."""
    options = TrainerOptions.model_validate_json(fn_args.custom_config[CONFIG_KEY])
    tf_keras.utils.set_random_seed(options.training.seed)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    train = _dataset(fn_args.train_files, fn_args.data_accessor, transform, options)
    evaluation = _dataset(fn_args.eval_files, fn_args.data_accessor, transform, options)
    with tf.distribute.MirroredStrategy().scope():
        model = _compiled_model(transform, options, fn_args.train_steps)
    model.fit(
        train,
        epochs=options.training.epochs,
        steps_per_epoch=fn_args.train_steps,
        validation_data=evaluation,
        validation_steps=fn_args.eval_steps,
        callbacks=[
            tf_keras.callbacks.TensorBoard(log_dir=fn_args.model_run_dir, update_freq="epoch")
        ],
    )
    signatures = {
        "serving_default": _serving_signature(model, transform, options),
        "transform_features": _transform_signature(model, transform),
    }
    tf.saved_model.save(model, fn_args.serving_model_dir, signatures=signatures)


def _dataset(
    files: list[str], accessor: Any, transform: tft.TFTransformOutput, options: TrainerOptions
) -> tf.data.Dataset:
    """Endless batches of (features, labels by output)."""
    columns = accessor.tf_dataset_factory(
        files,
        tfxio.TensorFlowDatasetOptions(batch_size=options.training.batch_size),
        transform.transformed_metadata.schema,
    ).repeat()
    labels = _trained_outputs(options)

    def split(batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        features = {name: batch[name] for name in batch if name not in labels.values()}
        return features, {output: batch[label] for output, label in labels.items()}

    return columns.map(split)


def _trained_outputs(options: TrainerOptions) -> dict[str, str]:
    """ESMM's outputs with a loss, those over all impressions, to their label columns."""
    if options.model.structure.kind != "esmm":
        raise ValueError(f"the structure must be esmm; got {options.model.structure.kind}")
    return {one.name: one.label for one in options.funnel.outputs if one.given_label is None}


def _compiled_model(
    transform: tft.TFTransformOutput, options: TrainerOptions, steps_per_epoch: int
) -> tf_keras.Model:
    inputs = {
        name: tf_keras.Input(name=name, shape=spec.shape, dtype=spec.dtype)
        for name, spec in transform.transformed_feature_spec().items()
        if name not in options.transform.labels
    }
    layout = {
        name: _layout(name, feature, transform)
        for name, feature in options.transform.features.items()
    }
    logits = RankingModel(layout, tuple(options.tasks), options.model)(inputs)
    model = tf_keras.Model(inputs, _probabilities(logits, options))
    model.compile(
        loss=dict.fromkeys(_trained_outputs(options), "binary_crossentropy"),
        optimizer=build_optimizer(
            options.training.optimizer, options.training.epochs * steps_per_epoch
        ),
        metrics={
            output: [tf_keras.metrics.BinaryAccuracy()] for output in _trained_outputs(options)
        },
    )
    model.summary()
    return model


def _layout(name: str, feature: Feature, transform: tft.TFTransformOutput) -> TransformedFeature:
    """How the encoder reads one feature: index 0 is missing, then come vocabulary or buckets."""
    rows = combiner = None
    width = 1
    if not isinstance(feature, NumericFeature):
        rows = 1 + transform.vocabulary_size_by_name(name) + feature.oov_buckets
    elif feature.scaling == "quantile_buckets":
        rows = 1 + feature.bucket_count
    if isinstance(feature, MultivalentFeature):
        width, combiner = feature.max_values, feature.combiner
    return TransformedFeature(
        name=name,
        kind=feature.kind,
        index_size=rows,
        max_values=width,
        embedding_dim=feature.embedding_dim,
        combiner=combiner,
        has_indicator=indicator_name(name) in transform.transformed_feature_spec(),
    )


def _probabilities(logits: Any, options: TrainerOptions) -> dict[str, Any]:
    """Every output of the funnel: a task's own probability, and products along its conditions."""
    funnel = options.funnel
    own = {
        task: tf_keras.layers.Activation("sigmoid", name=task)(logits[task])
        for task in funnel.tasks
    }
    joint = {
        funnel.joint_name(task): tf_keras.layers.Multiply(name=funnel.joint_name(task))(
            [own[step] for step in funnel.chain(task)]
        )
        for task in funnel.conditional
    }
    return own | joint


def _serving_signature(
    model: tf_keras.Model, transform: tft.TFTransformOutput, options: TrainerOptions
) -> Any:
    """Serialized tf.Examples to probabilities."""
    model.tft_layer_inference = transform.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_tf_examples_fn(serialized_tf_example: tf.Tensor) -> dict[str, tf.Tensor]:
        raw_feature_spec = transform.raw_feature_spec()
        for label in options.transform.labels:
            raw_feature_spec.pop(label)
        raw_features = tf.io.parse_example(serialized_tf_example, raw_feature_spec)
        outputs: dict[str, tf.Tensor] = model(model.tft_layer_inference(raw_features))
        return outputs

    return serve_tf_examples_fn


def _transform_signature(model: tf_keras.Model, transform: tft.TFTransformOutput) -> Any:
    """Serialized tf.Examples to transformed features and labels."""
    model.tft_layer_eval = transform.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features_fn(serialized_tf_example: tf.Tensor) -> dict[str, tf.Tensor]:
        raw_features = tf.io.parse_example(serialized_tf_example, transform.raw_feature_spec())
        features: dict[str, tf.Tensor] = model.tft_layer_eval(raw_features)
        return features

    return transform_features_fn


def steps(rows: int, batch_size: int) -> int:
    """Batches that hold `rows` rows."""
    return math.ceil(rows / batch_size)
