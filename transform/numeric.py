"""Numeric features: missing values replaced, then scaled or put into buckets.

All computation is in float64, since float32 cannot tell two timestamps of the same hour apart; the
result is float32. NaN and infinities are missing values. Numbers nearer to 0 than the smallest
normal float32 are 0, and so are results. Statistics are those of the observed training values.
"""

import tensorflow as tf

from rankbeam.transform.analysis.statistics import Statistics
from rankbeam.transform.plan import Column, Plan
from rankbeam.transform.specs.features import NumericFeature
from rankbeam.transform.specs.options import indicator_name
from rankbeam.transform.stacking import Inputs, Places, number_column, without_subnormals


class NumericBatch:
    """The numeric columns of one batch.

    Attributes:
        observed: (B, N) values in the plan's order, NaN where missing; float64.
    """

    def __init__(self, inputs: Inputs, plan: Plan) -> None:
        """Stacks the plan's columns, which must not be empty."""
        self._plan = plan
        columns = [
            number_column(inputs, f"features.{column.name}", column.column)
            for column in plan.numeric
        ]
        places = Places.of(columns, [1] * len(columns))
        numbers = without_subnormals(tf.concat([column.values for column in columns], axis=0))
        values = places.fill(numbers, float("nan"))
        self.observed = tf.where(tf.math.is_finite(values), values, float("nan"))

    def outputs(self, statistics: Statistics) -> dict[str, tf.Tensor]:
        """Float32 (B, 1) of each feature and indicator; int64 (B, 1) of each bucketed feature."""
        counts = self._plan.numeric_counts
        present = _imputed(self.observed, self._plan.numeric, statistics.means)
        plain, scored, logged, bucketed = tf.split(present, counts, axis=1)
        _, means, _, _ = tf.split(statistics.means, counts)
        _, deviations, _, _ = tf.split(statistics.deviations, counts)
        scaled = tf.concat(
            [
                plain,
                _z_score(scored, means, deviations),
                _z_score(_signed_log(logged), statistics.log_means, statistics.log_deviations),
            ],
            axis=1,
        )
        matrices = [
            tf.cast(without_subnormals(scaled), tf.float32),
            _bucket_indices(bucketed, statistics.boundaries),
        ]
        parts = [part for matrix in matrices for part in _columns(matrix)]
        outputs = {
            column.name: part for column, part in zip(self._plan.numeric, parts, strict=True)
        }
        return outputs | self._indicators()

    def _indicators(self) -> dict[str, tf.Tensor]:
        """1 where an indicator's feature was missing, else 0."""
        missing = tf.cast(tf.math.is_nan(self.observed), tf.float32)
        return {
            indicator_name(column.name): part
            for column, part in zip(self._plan.numeric, _columns(missing), strict=True)
            if column.spec.missing_indicator
        }


def _columns(matrix: tf.Tensor) -> list[tf.Tensor]:
    """The columns (B, 1) of a matrix (B, n)."""
    count = matrix.shape[1]
    return list(tf.split(matrix, count, axis=1)) if count else []


def _imputed(
    observed: tf.Tensor, columns: tuple[Column[NumericFeature], ...], means: tf.Tensor
) -> tf.Tensor:
    """Each column's `missing` value in place of NaN."""
    fixed = [
        float(column.spec.missing) if isinstance(column.spec.missing, float) else 0.0
        for column in columns
    ]
    by_mean = [column.spec.missing == "mean" for column in columns]
    substitutes = tf.where(by_mean, means, tf.constant(fixed, tf.float64))
    return tf.where(tf.math.is_nan(observed), substitutes, observed)


def _signed_log(values: tf.Tensor) -> tf.Tensor:
    """sign(x) log(1 + |x|)."""
    return tf.sign(values) * tf.math.log1p(tf.abs(values))


def _z_score(values: tf.Tensor, means: tf.Tensor, deviations: tf.Tensor) -> tf.Tensor:
    """(x - mean) / deviation, and 0 where the training values were all equal."""
    return tf.math.divide_no_nan(values - means, deviations)


def _bucket_indices(values: tf.Tensor, boundaries: tf.Tensor) -> tf.Tensor:
    """1 + the number of boundaries <= x, for x (B, Q) and boundaries (Q, K): int64 (B, Q)."""
    passed = values[:, :, tf.newaxis] >= boundaries  # (B, Q, K)
    return 1 + tf.reduce_sum(tf.cast(passed, tf.int64), axis=2)
