"""The `preprocessing_fn` that stock TFX Transform is given."""

from collections.abc import Mapping

import tensorflow as tf

from rankbeam.transform.analysis.analyzer import analyze
from rankbeam.transform.indices import IndexedBatch
from rankbeam.transform.numeric import NumericBatch
from rankbeam.transform.plan import Plan
from rankbeam.transform.specs.options import CONFIG_KEY, TransformOptions
from rankbeam.transform.stacking import Inputs, Places, number_column


def preprocessing_fn(inputs: Inputs, custom_config: Mapping[str, str]) -> dict[str, tf.Tensor]:
    """Raw columns to model inputs, as the features' specs document.

    Args:
        inputs: Raw columns, each sparse; string, int64 or float32.
        custom_config: `TransformOptions` as JSON under the key `rankbeam`.

    Returns:
        Per feature, under its name: int64 (B, 1) for id, categorical and bucketed numeric
        features, int64 (B, max_values) for multivalent ones, float32 (B, 1) for other numeric ones
        and for missing-value indicators. Per label column: float32 (B, 1).

    Raises:
        DataError: A column is not in the schema, or not of the kind that its feature needs.
    """
    options = TransformOptions.model_validate_json(custom_config[CONFIG_KEY])
    return _features(inputs, options) | _labels(inputs, options)


def _features(inputs: Inputs, options: TransformOptions) -> dict[str, tf.Tensor]:
    """All features, from one analyzer and one table."""
    plan = Plan.of(options)
    indexed = IndexedBatch(inputs, plan) if plan.indexed else None
    numeric = NumericBatch(inputs, plan) if plan.numeric else None
    asset, statistics = analyze(
        plan,
        keys=indexed.kept_keys if indexed else tf.zeros([0], tf.string),
        numbers=numeric.observed if numeric else tf.zeros([0, 0], tf.float64),
    )
    outputs: dict[str, tf.Tensor] = {}
    if indexed:
        outputs |= indexed.outputs(asset, statistics)
    if numeric:
        outputs |= numeric.outputs(statistics)
    return outputs


def _labels(inputs: Inputs, options: TransformOptions) -> dict[str, tf.Tensor]:
    """Labels as they are; NaN where missing, so that no loss takes a missing label for a 0.

    They share no op with the features: a serving request has no labels, and the saved transform
    then leaves out exactly these outputs.
    """
    if not options.labels:
        return {}
    columns = [number_column(inputs, f"label {label}", label) for label in options.labels]
    values = tf.concat([column.values for column in columns], axis=0)
    matrix = Places.of(columns, [1] * len(columns)).fill(values, float("nan"))
    parts = tf.split(tf.cast(matrix, tf.float32), len(columns), axis=1)
    return dict(zip(options.labels, parts, strict=True))
