"""Reads what the Evaluator wrote, and writes it as a page to look at."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import eval_config_writer
from tfx.components.evaluator.constants import BLESSED_FILE_NAME
from tfx.dsl.io import fileio

from rankbeam.components.evaluator import sentences
from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.components.evaluator.evaluation import (
    CalibrationPoint,
    Evaluation,
    OutputEvaluation,
    SliceEvaluation,
)
from rankbeam.components.evaluator.html import render
from rankbeam.components.evaluator.slices import SliceKey
from rankbeam.transform.errors import DataError

_EVAL_CONFIG = f"{eval_config_writer.EVAL_CONFIG_FILE}.{eval_config_writer.EVAL_CONFIG_FILE_FORMAT}"
# Model, output, metric.
_Values = Mapping[tuple[str, str, str], float]
_Points = Mapping[str, tuple[CalibrationPoint, ...]]


def read_evaluation(evaluation_uri: str, blessing_uri: str) -> Evaluation:
    """What an Evaluator run found.

    Args:
        evaluation_uri: Folder of its ModelEvaluation artifact.
        blessing_uri: Folder of its ModelBlessing artifact.

    Raises:
        DataError: The folder holds no evaluation.
    """
    if not fileio.exists(os.path.join(evaluation_uri, _EVAL_CONFIG)):
        raise DataError(f"evaluation must hold the Evaluator's results; got {evaluation_uri}")
    eval_config, _, _, _ = eval_config_writer.load_eval_run(evaluation_uri)
    values = {
        _slice_key(part.slice_key): _values(part) for part in tfma.load_metrics(evaluation_uri)
    }
    points = {_slice_key(part.slice_key): _points(part) for part in tfma.load_plots(evaluation_uri)}
    result = tfma.load_validation_result(evaluation_uri)
    names = [name for spec in eval_config.metrics_specs for name in spec.output_names]
    return Evaluation(
        blessed=fileio.exists(os.path.join(blessing_uri, BLESSED_FILE_NAME)),
        failures=tuple(dict.fromkeys(_failures(result, values))),
        outputs=tuple(OutputEvaluation(name, _slices(name, values, points)) for name in names),
    )


def write_html(evaluation: Evaluation, path: Path) -> None:
    """Write a page that needs neither network nor scripts, whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(render(evaluation), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _slices(
    output: str, values: Mapping[SliceKey, _Values], points: Mapping[SliceKey, _Points]
) -> tuple[SliceEvaluation, ...]:
    return tuple(
        SliceEvaluation(
            key=key,
            metrics=_of_model(values[key], output, baseline=False),
            baseline=_of_model(values[key], output, baseline=True),
            calibration=points.get(key, {}).get(output, ()),
        )
        for key in sorted(values, key=_slice_order)
    )


def _slice_order(key: SliceKey) -> tuple[int, list[str], list[tuple[bool, float, str]]]:
    """Crosses of fewer columns first, numbers before texts and in their own order."""
    ranks = [
        (True, 0.0, value) if isinstance(value, str) else (False, float(value), "")
        for _, value in key
    ]
    return len(key), [column for column, _ in key], ranks


def _of_model(values: _Values, output: str, *, baseline: bool) -> dict[Metric, float]:
    models = {model for model, _, _ in values if (model == constants.BASELINE_KEY) == baseline}
    return {
        metric: values[model, output, metric]
        for metric in METRICS
        for model in models
        if (model, output, metric) in values
    }


def _values(part: Any) -> _Values:
    return {
        (item.key.model_name, item.key.output_name, item.key.name): item.value.double_value.value
        for item in part.metric_keys_and_values
        if not item.key.is_diff
    }


def _points(part: Any) -> _Points:
    """The candidate's calibration plots by output."""
    return {
        item.key.output_name: tuple(
            _point(bucket) for bucket in item.value.calibration_histogram_buckets.buckets
        )
        for item in part.plot_keys_and_values
        if item.key.model_name != constants.BASELINE_KEY
    }


def _point(bucket: Any) -> CalibrationPoint:
    weight = bucket.num_weighted_examples.value
    return CalibrationPoint(
        prediction=bucket.total_weighted_refined_prediction.value / weight,
        rate=bucket.total_weighted_label.value / weight,
        weight=weight,
    )


def _slice_key(proto: Any) -> SliceKey:
    # The file holds float32; its shortest decimal is the value that was sliced by.
    return tuple(
        (column, float(str(np.float32(value))) if isinstance(value, float) else value)
        for column, value in slicer_lib.deserialize_slice_key(proto)
    )


def _failures(result: Any, values: Mapping[SliceKey, _Values]) -> Iterator[str]:
    for spec in result.missing_slices:
        yield sentences.missing_slice(tuple(sorted(spec.feature_values.items())))
    for part in result.metric_validations_per_slice:
        key = _slice_key(part.slice_key)
        for failure in part.failures:
            output, metric = failure.metric_key.output_name, cast(Metric, failure.metric_key.name)
            value = _of_model(values[key], output, baseline=False)[metric]
            threshold = failure.metric_threshold
            if threshold.HasField("value_threshold"):
                bounds = threshold.value_threshold
                yield from sentences.broken_bounds(output, metric, key, bounds, value)
            else:
                blessed = _of_model(values[key], output, baseline=True)[metric]
                changes = threshold.change_threshold
                yield from sentences.broken_changes(output, metric, key, changes, value, blessed)
