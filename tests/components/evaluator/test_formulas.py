"""Each metric against arithmetic by hand, scikit-learn and plain loops."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.components.evaluator.metrics.formulas import FORMULAS, evaluate, reliability
from rankbeam.components.evaluator.metrics.summary import EMPTY, ScoreSummary, merge, summarize
from tests.reference import binary_metrics as reference
from tests.reference.binary_metrics import random_rows

# Two orders of summation of the same float64 terms.
ROUNDING = 1e-10
ORACLES: dict[Metric, Callable[..., float]] = {
    "auc": reference.auc,
    "pr_auc": reference.average_precision,
    "log_loss": reference.log_loss,
    "normalized_entropy": reference.normalized_entropy,
    "calibration": reference.calibration,
    "ece": reference.ece,
}


def of(labels: list[float], predictions: list[float], weights: list[float]) -> ScoreSummary:
    return summarize(np.array(labels), np.array(predictions), np.array(weights))


# Positives at 0.75 and 0.25, negatives at 0.5 and 0.25.
HAND = of([1, 0, 1, 0], [0.75, 0.5, 0.25, 0.25], [1, 1, 1, 1])


def test_formulas_cover_the_catalog() -> None:
    assert set(FORMULAS) == set(METRICS)


def test_auc_by_hand() -> None:
    # Pairs: (.75, .5) and (.75, .25) won, (.25, .5) lost, (.25, .25) tied.
    assert evaluate("auc", HAND) == (1 + 1 + 0 + 0.5) / 4


def test_pr_auc_by_hand() -> None:
    # At .75: recall 1/2, precision 1. At .5: nothing found. At .25: recall 1, precision 2/4.
    assert evaluate("pr_auc", HAND) == 0.5 * 1 + 0.5 * 0.5


def test_log_loss_by_hand() -> None:
    expected = -(math.log(0.75) + math.log(0.5) + math.log(0.25) + math.log(0.75)) / 4
    assert evaluate("log_loss", HAND) == pytest.approx(expected, rel=ROUNDING)


def test_normalized_entropy_by_hand() -> None:
    # The base rate is 1/2, whose entropy is ln 2.
    expected = evaluate("log_loss", HAND) / math.log(2)
    assert evaluate("normalized_entropy", HAND) == pytest.approx(expected, rel=ROUNDING)


def test_calibration_by_hand() -> None:
    assert evaluate("calibration", HAND) == (0.75 + 0.5 + 0.25 + 0.25) / 2


def test_ece_by_hand() -> None:
    # Three of the 15 bins hold rows: .75 (1 - .75), .5 (0 - .5), twice .25 (1 - .5).
    assert evaluate("ece", HAND) == pytest.approx((0.25 + 0.5 + 0.5) / 4, rel=ROUNDING)


def test_example_count_counts_rows_and_not_weights() -> None:
    assert evaluate("example_count", of([1, 0, 0], [0.5, 0.5, 0.5], [0.25, 7, 0])) == 2


@pytest.mark.parametrize("metric", sorted(ORACLES))
@pytest.mark.parametrize("digits", [None, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_formulas_equal_the_oracles(metric: Metric, digits: int | None, seed: int) -> None:
    rows = random_rows(3000, seed, digits)
    expected = ORACLES[metric](*rows)
    assert evaluate(metric, summarize(*rows)) == pytest.approx(expected, rel=ROUNDING)


def test_auc_equals_all_pairs() -> None:
    rows = random_rows(150, seed=5, digits=2)
    assert evaluate("auc", summarize(*rows)) == pytest.approx(reference.auc_by_pairs(*rows))


@pytest.mark.parametrize("metric", sorted(set(METRICS) - {"example_count"}))
def test_formulas_ignore_the_scale_of_weights(metric: Metric) -> None:
    labels, predictions, weights = random_rows(400, seed=6)
    once = evaluate(metric, summarize(labels, predictions, weights))
    scaled = evaluate(metric, summarize(labels, predictions, weights * 0.125))
    assert scaled == pytest.approx(once, rel=ROUNDING)


@pytest.mark.parametrize("metric", ["auc", "pr_auc"])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_ranking_metrics_of_merged_predictions_stay_within_one_in_ten_thousand(
    metric: Metric, scale: float
) -> None:
    # 400,000 distinct predictions, far more than a summary keeps; `scale` makes outcomes rare.
    generator = np.random.default_rng(7)
    predictions = (generator.beta(1, 8, 400_000) * scale).astype(np.float32).astype(np.float64)
    labels = (generator.random(400_000) < predictions).astype(np.float64)
    weights = np.ones_like(labels)
    batches = [
        summarize(labels[a : a + 50_000], predictions[a : a + 50_000], weights[a : a + 50_000])
        for a in range(0, 400_000, 50_000)
    ]
    made = merge(batches)
    assert made.dropped_bits > 0
    exact = ORACLES[metric](labels, predictions, weights)
    assert evaluate(metric, made) == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "undefined"),
    [
        ([0.0, 0.0], {"auc", "pr_auc", "normalized_entropy", "calibration"}),
        ([1.0, 1.0], {"auc", "normalized_entropy"}),
    ],
)
def test_formulas_are_nan_where_one_class_leaves_them_undefined(
    labels: list[float], undefined: set[Metric]
) -> None:
    made = of(labels, [0.3, 0.6], [1, 1])
    assert {metric for metric in METRICS if math.isnan(evaluate(metric, made))} == undefined


def test_formulas_of_nothing_are_nan_but_the_count() -> None:
    assert evaluate("example_count", EMPTY) == 0
    assert all(math.isnan(evaluate(m, EMPTY)) for m in METRICS if m != "example_count")
    assert reliability(EMPTY) == ()


def test_formulas_are_nan_where_a_prediction_is_no_probability() -> None:
    made = of([1, 0, 1], [0.5, math.nan, 0.2], [1, 1, 1])
    assert evaluate("example_count", made) == 3
    assert all(math.isnan(evaluate(m, made)) for m in METRICS if m != "example_count")
    assert reliability(made) == ()


def test_log_loss_of_certain_predictions_is_clipped() -> None:
    assert evaluate("log_loss", of([1, 0], [1, 0], [1, 1])) == pytest.approx(1e-7, rel=1e-6)
    wrong = evaluate("log_loss", of([0, 1], [1, 0], [1, 1]))
    assert wrong == pytest.approx(-math.log(1e-7), rel=1e-6)


def test_ece_puts_certain_predictions_into_the_last_bin() -> None:
    assert evaluate("ece", of([1, 1, 0], [1, 1, 0], [1, 1, 1])) == 0
    assert evaluate("ece", of([0, 0], [1, 1], [1, 1])) == 1


def test_formulas_of_a_constant_prediction() -> None:
    made = of([1, 0, 0, 0], [0.25] * 4, [1] * 4)
    assert evaluate("auc", made) == 0.5
    assert evaluate("pr_auc", made) == 0.25
    assert evaluate("normalized_entropy", made) == pytest.approx(1, rel=ROUNDING)
    assert evaluate("calibration", made) == 1
    assert evaluate("ece", made) == 0


def test_reliability_splits_the_weight_evenly_and_loses_none() -> None:
    labels, predictions, weights = random_rows(5000, seed=8)
    buckets = reliability(summarize(labels, predictions, weights), num_buckets=10)
    total = weights.sum()
    assert len(buckets) == 10
    assert sum(bucket.weight for bucket in buckets) == total
    assert sum(bucket.label for bucket in buckets) == (weights * labels).sum()
    shares = [bucket.weight / total for bucket in buckets]
    # A bucket ends between rows, and no row weighs more than 3.
    assert max(shares) - min(shares) <= 2 * 3 / total + ROUNDING
    means = [bucket.prediction / bucket.weight for bucket in buckets]
    assert means == sorted(means)
    assert all(a.lower <= mean for a, mean in zip(buckets, means, strict=True))


def test_reliability_of_a_constant_prediction_is_one_bucket() -> None:
    (bucket,) = reliability(of([1, 0], [0.5, 0.5], [1, 3]))
    assert (bucket.lower, bucket.weight, bucket.label, bucket.prediction) == (0, 4, 1, 2)
