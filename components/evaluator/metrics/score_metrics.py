"""TFMA metrics that share one `ScoreSummary` per model, output and slice.

TFMA calls a combiner once per row, slice and metric; that call, not the arithmetic, is where its
time goes. Here every metric of an output derives from the same computation (TFMA removes the
duplicates), and that computation takes rows one at a time or, from
`rankbeam.components.evaluator.extractors`, a whole batch of a slice's rows at once.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.components.evaluator.metrics.formulas import evaluate, reliability
from rankbeam.components.evaluator.metrics.summary import (
    EMPTY,
    Floats,
    ScoreSummary,
    merge,
    summarize,
)

PLOT_NAME = "calibration_plot"  # the name under which TFMA's loaders and viewers look for it
_SUMMARY_NAME = "_score_summary"  # a leading underscore keeps it out of the results
_ROWS_PER_SUMMARY = 2**15


class ScoreMetric(tfma.metrics.Metric):
    """One metric of `catalog.METRICS`.

    Args:
        name: Its name there.
        min_slice_rows: An output's slice with fewer rows that count gets NaN, except for the
            count and for the slice of all rows.

    Raises:
        ValueError: There is no metric of that name.
    """

    def __init__(self, name: str, min_slice_rows: int = 1) -> None:
        if name not in METRICS:
            raise ValueError(f"name must be one of {', '.join(METRICS)}; got {name}")
        super().__init__(
            tfma.metrics.merge_per_key_computations(_metric_computations),
            name=name,
            min_slice_rows=min_slice_rows,
        )


class ReliabilityPlot(tfma.metrics.Metric):
    """The calibration plot, as TFMA's calibration histogram buckets of about equal weight."""

    def __init__(self, name: str = PLOT_NAME, min_slice_rows: int = 1) -> None:
        super().__init__(
            tfma.metrics.merge_per_key_computations(_plot_computations),
            name=name,
            min_slice_rows=min_slice_rows,
        )


@dataclass
class _Measured:
    """A slice's summary, and whether the slice is that of all rows."""

    summary: ScoreSummary
    overall: bool

    def too_small(self, min_slice_rows: int) -> bool:
        return not self.overall and self.summary.rows < min_slice_rows


def _metric_computations(
    name: Metric,
    min_slice_rows: int,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    key = tfma.metrics.MetricKey(
        name=name,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    shared = _shared_computation(model_name, output_name, example_weighted)
    result = partial(_metric_result, key, shared.keys[0], name, min_slice_rows)
    return [shared, tfma.metrics.DerivedMetricComputation(keys=[key], result=result)]


def _metric_result(
    key: Any, source: Any, name: Metric, min_slice_rows: int, values: Mapping[Any, Any]
) -> dict[Any, float]:
    measured: _Measured = values[source]
    if name != "example_count" and measured.too_small(min_slice_rows):
        return {key: math.nan}
    return {key: evaluate(name, measured.summary)}


def _plot_computations(
    name: str,
    min_slice_rows: int,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> list[Any]:
    key = tfma.metrics.PlotKey(
        name=name,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    shared = _shared_computation(model_name, output_name, example_weighted)
    result = partial(_plot_result, key, shared.keys[0], min_slice_rows)
    return [shared, tfma.metrics.DerivedMetricComputation(keys=[key], result=result)]


def _plot_result(
    key: Any, source: Any, min_slice_rows: int, values: Mapping[Any, Any]
) -> dict[Any, object]:
    measured: _Measured = values[source]
    buckets = () if measured.too_small(min_slice_rows) else reliability(measured.summary)
    uppers = [*(bucket.lower for bucket in buckets[1:]), math.inf]
    histogram = metrics_for_slice_pb2.CalibrationHistogramBuckets()
    for bucket, upper in zip(buckets, uppers, strict=False):
        histogram.buckets.add(
            lower_threshold_inclusive=bucket.lower,
            upper_threshold_exclusive=upper,
            num_weighted_examples={"value": bucket.weight},
            total_weighted_label={"value": bucket.label},
            total_weighted_refined_prediction={"value": bucket.prediction},
        )
    return {key: histogram}


def _shared_computation(model_name: str, output_name: str, example_weighted: bool) -> Any:
    key = tfma.metrics.MetricKey(
        name=_SUMMARY_NAME,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    inputs = metric_types.StandardMetricInputsPreprocessor(
        include_filter={constants.SLICE_KEY_TYPES_KEY: {}}
    )
    return tfma.metrics.MetricComputation(
        keys=[key], preprocessors=[inputs], combiner=_ScoreCombiner(key)
    )


@dataclass
class _Rows:
    """Accumulator: a summary, and rows that wait until there are enough to summarize at once."""

    summary: ScoreSummary = EMPTY
    waiting: list[tuple[Floats, Floats, Floats]] = field(default_factory=list)
    num_waiting: int = 0
    overall: bool = True

    def add(self, labels: Floats, predictions: Floats, weights: Floats) -> None:
        self.waiting.append((labels, predictions, weights))
        self.num_waiting += len(labels)
        if self.num_waiting >= _ROWS_PER_SUMMARY:
            self.settle()

    def settle(self) -> None:
        """Moves the rows that wait into the summary."""
        if self.waiting:
            labels, predictions, weights = map(np.concatenate, zip(*self.waiting, strict=True))
            self.summary = merge([self.summary, summarize(labels, predictions, weights)])
            self.waiting, self.num_waiting = [], 0


class _ScoreCombiner(beam.CombineFn):
    """Sums rows, or batches of rows, of one model's output into a `ScoreSummary`."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def create_accumulator(self) -> _Rows:
        return _Rows()

    def add_input(self, accumulator: _Rows, element: Any) -> _Rows:
        slices = element[constants.SLICE_KEY_TYPES_KEY]
        accumulator.overall = accumulator.overall and all(key == () for key in slices)
        model, output = self._key.model_name, self._key.output_name
        labels = _flat(element.get_labels(model, output))
        predictions = _flat(element.get_predictions(model, output))
        weights = None
        if self._key.example_weighted:
            weights = _flat(element.get_example_weights(model, output))
        if labels is not None and predictions is not None:
            if weights is None:
                weights = np.ones_like(labels)
            accumulator.add(labels, predictions, weights)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[_Rows]) -> _Rows:
        parts = list(accumulators)
        for part in parts:
            part.settle()
        return _Rows(
            summary=merge([part.summary for part in parts]),
            overall=all(part.overall for part in parts),
        )

    def compact(self, accumulator: _Rows) -> _Rows:
        accumulator.settle()
        return accumulator

    def extract_output(self, accumulator: _Rows) -> dict[Any, _Measured]:
        accumulator.settle()
        return {self._key: _Measured(accumulator.summary, accumulator.overall)}


def _flat(value: Any) -> Floats | None:
    """(N,) float64; None where the model has no such output (TFMA then hands over all of them)."""
    if value is None or isinstance(value, Mapping):
        return None
    return np.asarray(value, np.float64).reshape(-1)
