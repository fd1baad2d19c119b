"""The numbers that the graph needs from the summary, as one vector on the way and named on arrival.

One vector rather than one tensor for each, because every output of an analyzer costs Beam stages.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from rankbeam.transform.analysis.arrays import Numbers
from rankbeam.transform.analysis.moments import Moments
from rankbeam.transform.analysis.summary import Summary
from rankbeam.transform.analysis.vocabulary import Vocabularies
from rankbeam.transform.plan import Plan


@dataclass(frozen=True)
class Statistics:
    """Numbers learnt from the training split; float64 tensors or arrays.

    Attributes:
        log_means: (L,) mean of sign(x) log(1 + |x|), for each log-scaled column.
        log_deviations: (L,) population standard deviation of the same.
        means: (N,) mean of each numeric column.
        deviations: (N,) population standard deviation of each numeric column.
        boundaries: (Q, K) ascending bucket boundaries of each bucketed column, padded with
            infinity to the longest.
        first_lines: (V,) line of the asset with each vocabulary column's most frequent value.
        escaped: (1,) 1 where some value is written differently in the asset than it is.
    """

    log_means: Any
    log_deviations: Any
    means: Any
    deviations: Any
    boundaries: Any
    first_lines: Any
    escaped: Any

    @staticmethod
    def of(plan: Plan, summary: Summary, vocabularies: Vocabularies) -> "Statistics":
        """The statistics of a complete summary."""
        means, deviations = _means_and_deviations(summary.moments)
        log_means, log_deviations = _means_and_deviations(summary.log_moments)
        boundaries = np.full((len(plan.bucketed), plan.boundary_count), np.inf)
        for row, column, histogram in zip(
            boundaries, plan.bucketed, summary.histograms, strict=True
        ):
            row[: column.spec.bucket_count - 1] = histogram.boundaries(column.spec.bucket_count)
        return Statistics(
            log_means=log_means,
            log_deviations=log_deviations,
            means=means,
            deviations=deviations,
            boundaries=boundaries,
            first_lines=np.array(vocabularies.first_lines, np.float64),
            escaped=np.array([vocabularies.escaped], np.float64),
        )

    def to_vector(self) -> Numbers:
        """All numbers in a row, in the order of `sizes`."""
        parts = (
            self.log_means,
            self.log_deviations,
            self.means,
            self.deviations,
            self.boundaries,
            self.first_lines,
            self.escaped,
        )
        return np.concatenate([np.ravel(part) for part in parts])

    @staticmethod
    def sizes(plan: Plan) -> list[int]:
        """Count of numbers in each attribute, in the order of the attributes."""
        logged, numeric = len(plan.logged), len(plan.numeric)
        boundaries = len(plan.bucketed) * plan.boundary_count
        return [logged, logged, numeric, numeric, boundaries, len(plan.vocabulary), 1]

    @staticmethod
    def from_vector(plan: Plan, vector: tf.Tensor) -> "Statistics":
        """Names the parts of `to_vector`'s result, a tensor."""
        parts = tf.split(vector, Statistics.sizes(plan))
        parts[4] = tf.reshape(parts[4], [len(plan.bucketed), plan.boundary_count])
        return Statistics(*parts)


def _means_and_deviations(columns: list[Moments]) -> tuple[Numbers, Numbers]:
    pairs = np.array([one.mean_and_deviation() for one in columns], np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
