"""`preprocessing_fn` as TFX's taxi template writes it: column by column, an analyzer for each.

What it makes of a column has the type and shape that Rankbeam's own transform gives it, so that
both sides train the same layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from benchmarks.vanilla.data import LIST_SEPARATOR
from rankbeam.transform.specs.features import (
    IndexedFeature,
    MultivalentFeature,
    NumericFeature,
    column_of,
)
from rankbeam.transform.specs.options import TransformOptions, indicator_name

CONFIG_KEY = "features"
"""Key of `custom_config` under which TransformOptions travel as JSON."""

Column = Any
"""A raw column: dense (B, 1) where every row has a value, else sparse."""


def preprocessing_fn(inputs: Mapping[str, Column], custom_config: Mapping[str, str]) -> Column:
    """Raw columns to model inputs and labels."""
    options = TransformOptions.model_validate_json(custom_config[CONFIG_KEY])
    outputs = {}
    for name, feature in options.features.items():
        column = inputs[column_of(name, feature)]
        if isinstance(feature, MultivalentFeature):
            outputs[name] = _list_indices(column, feature, name)
        elif isinstance(feature, NumericFeature):
            outputs[name] = _number(column, feature)
            if feature.missing_indicator:
                outputs[indicator_name(name)] = _is_missing(column)
        else:
            outputs[name] = _dense(_map(_next, _vocabulary_indices(column, feature, name)), 0)
    for label in options.labels:
        outputs[label] = tf.cast(_dense(inputs[label], 0), tf.float32)
    return outputs


def _vocabulary_indices(column: Column, feature: IndexedFeature, name: str) -> Column:
    return tft.compute_and_apply_vocabulary(
        column,
        top_k=feature.vocabulary_size,
        frequency_threshold=feature.frequency_threshold,
        num_oov_buckets=feature.oov_buckets,
        vocab_filename=name,
    )


def _list_indices(column: Column, feature: MultivalentFeature, name: str) -> tf.Tensor:
    """(B, max_values), right-padded with 0."""
    texts = tf.strings.split(tf.squeeze(_dense(column, ""), axis=1), LIST_SEPARATOR)
    values = tf.ragged.boolean_mask(texts, texts != "")
    indices = _vocabulary_indices(values, feature, name)
    return (indices + 1).to_tensor(0, shape=[None, feature.max_values])


def _number(column: Column, feature: NumericFeature) -> tf.Tensor:
    """Scaled (B, 1) float32, or bucket indices (B, 1); 0 is the mean, or no bucket."""
    if feature.missing != "mean":
        column = _dense(column, 0 if feature.missing == "zero" else feature.missing)
    if feature.scaling == "quantile_buckets":
        return _dense(_map(_next, tft.bucketize(column, feature.bucket_count)), 0)
    column = _map(_to_float, column)
    if feature.scaling == "log":
        column = _map(_signed_log, column)
    if feature.scaling != "none":
        column = tft.scale_to_z_score(column)
    return _dense(column, 0.0)


def _is_missing(column: Column) -> tf.Tensor:
    """1 where a row has no value, (B, 1) float32."""
    return 1.0 - _dense(_map(_one, column), 0.0)


def _dense(column: Column, default: Any) -> tf.Tensor:
    """(B, 1), with a default for what is missing; the template's `_fill_in_missing`."""
    if not isinstance(column, tf.SparseTensor):
        return column
    shape = [column.dense_shape[0], 1]
    dense = tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, shape), default)
    return tf.ensure_shape(dense, [None, 1])


def _map(function: Callable[[tf.Tensor], tf.Tensor], column: Column) -> Column:
    """`function` of each value, sparse or dense."""
    if isinstance(column, tf.SparseTensor):
        return tf.sparse.map_values(function, column)
    return function(column)


def _next(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, tf.int64) + 1


def _one(values: tf.Tensor) -> tf.Tensor:
    return tf.ones_like(values, tf.float32)


def _to_float(values: tf.Tensor) -> tf.Tensor:
    return tf.cast(values, tf.float32)


def _signed_log(values: tf.Tensor) -> tf.Tensor:
    return tf.sign(values) * tf.math.log1p(tf.abs(values))
