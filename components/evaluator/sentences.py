"""Failed gates as sentences: what was required, where, and what was found."""

import math
from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from rankbeam.components.evaluator.catalog import Metric
from rankbeam.components.evaluator.evaluation import slice_name
from rankbeam.components.evaluator.slices import SliceKey

_UNDEFINED = "no value (one class only, too few rows, or predictions that are no probabilities)"


def missing_slice(key: SliceKey) -> str:
    """A gated slice that no row belongs to."""
    if not key:
        return "the eval split must have rows; got none"
    return f"{slice_name(key)} must have rows in the eval split for its gates; got none"


def broken_bounds(
    output: str, metric: Metric, key: SliceKey, threshold: Any, value: float
) -> Iterator[str]:
    """One sentence per bound of a GenericValueThreshold that does not hold.

    Args:
        output: The output.
        metric: The metric.
        key: The slice.
        threshold: The bounds.
        value: The candidate's value.
    """
    subject = _subject(output, metric, key)
    if threshold.HasField("lower_bound") and not value >= threshold.lower_bound.value:
        yield f"{subject} must be >= {_required_and_got(threshold.lower_bound.value, value)}"
    if threshold.HasField("upper_bound") and not value <= threshold.upper_bound.value:
        yield f"{subject} must be <= {_required_and_got(threshold.upper_bound.value, value)}"


def broken_changes(
    output: str, metric: Metric, key: SliceKey, threshold: Any, value: float, blessed: float
) -> Iterator[str]:
    """One sentence per allowance of a GenericChangeThreshold that is exceeded.

    Args:
        output: The output.
        metric: The metric.
        key: The slice.
        threshold: The allowances, of the sign of a change for the worse.
        value: The candidate's value.
        blessed: The last blessed model's value.
    """
    lower_is_better = threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    change = value - blessed
    ratio = change / blessed if blessed else math.nan
    for name, found, scale, unit in (("absolute", change, 1, ""), ("relative", ratio, 100, " %")):
        if not threshold.HasField(name):
            continue
        allowed = getattr(threshold, name).value
        if found <= allowed if lower_is_better else found >= allowed:
            continue
        yield (
            f"{_subject(output, metric, key)} must be at most {abs(allowed) * scale:g}{unit} "
            f"{'above' if lower_is_better else 'below'} the last blessed model's "
            f"{_required_and_got(blessed, value)}"
        )


def _subject(output: str, metric: Metric, key: SliceKey) -> str:
    place = f" in {slice_name(key)}" if key else ""
    return f"{output} {metric}{place}"


def _required_and_got(required: float, value: float) -> str:
    """`0.7; got 0.64`, with enough digits to tell the two apart where they differ."""
    texts = [_UNDEFINED if math.isnan(number) else "" for number in (required, value)]
    for digits in range(4, 18):
        pair = f"{required:.{digits}g}", f"{value:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return f"{texts[0] or pair[0]}; got {texts[1] or pair[1]}"
