"""The mergeable summary: what it keeps, and that neither batches nor order matter."""

import itertools

import numpy as np
import pytest

from rankbeam.components.evaluator.metrics import summary as summary_module
from rankbeam.components.evaluator.metrics.formulas import auc
from rankbeam.components.evaluator.metrics.summary import (
    EMPTY,
    ScoreSummary,
    merge,
    summarize,
)
from tests.reference.binary_metrics import Rows, random_rows

# Sums of a few thousand float64 in another order differ by a few ulp.
ROUNDING = 1e-12


def assert_same(one: ScoreSummary, other: ScoreSummary) -> None:
    assert one.dropped_bits == other.dropped_bits
    np.testing.assert_array_equal(one.keys, other.keys)
    np.testing.assert_allclose(one.scores, other.scores, rtol=ROUNDING)
    np.testing.assert_allclose(one.bins, other.bins, rtol=ROUNDING)
    assert one.log_loss == pytest.approx(other.log_loss, rel=ROUNDING)
    assert (one.rows, one.invalid_rows) == (other.rows, other.invalid_rows)


def parts(rows: Rows, sizes: list[int]) -> list[ScoreSummary]:
    ends = list(itertools.accumulate(sizes))
    starts = [0, *ends[:-1]]
    return [summarize(*(column[a:b] for column in rows)) for a, b in zip(starts, ends, strict=True)]


def test_summary_keeps_three_sums_per_distinct_prediction() -> None:
    summary = summarize(
        np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.25, 0.5]), np.array([2.0, 1.0, 3.0])
    )
    # 0.25: one negative of weight 1. 0.5: positives of weight 2 + 3.
    np.testing.assert_allclose(summary.scores, [[1, 0, 0.25], [5, 5, 2.5]])
    assert summary.rows == 3
    assert summary.dropped_bits == 0


def test_summary_orders_keys_as_predictions() -> None:
    predictions = np.unique(np.r_[0, 1e-30, np.geomspace(1e-9, 0.5, 500), 1 - 2e-7, 1])
    predictions = np.unique(predictions.astype(np.float32)).astype(np.float64)
    summary = summarize(np.zeros_like(predictions), predictions, np.ones_like(predictions))
    np.testing.assert_array_equal(summary.scores[:, 2], predictions)


def test_summary_tells_apart_the_closest_float32_predictions() -> None:
    for value in (1e-6, 0.1, 0.5, 0.75, 1.0):
        below = np.nextafter(np.float32(value), np.float32(0))
        both = np.array([value, below], np.float32).astype(np.float64)
        assert len(summarize(np.zeros(2), both, np.ones(2)).keys) == 2


def test_summary_takes_negative_zero_for_zero() -> None:
    summary = summarize(np.zeros(2), np.array([-0.0, 0.0]), np.ones(2))
    assert len(summary.keys) == 1


@pytest.mark.parametrize("max_scores", [2**14, 64])
def test_summary_is_the_same_whatever_the_batches_and_their_order(
    monkeypatch: pytest.MonkeyPatch, max_scores: int
) -> None:
    monkeypatch.setattr(summary_module, "MAX_SCORES", max_scores)
    rows = random_rows(2000, seed=1)
    whole = summarize(*rows)
    assert (whole.dropped_bits > 0) == (max_scores == 64)
    for sizes in ([1000, 1000], [1] * 50 + [1950], [1999, 1], [0, 2000]):
        made = parts(rows, sizes)
        assert_same(merge(made), whole)
        assert_same(merge(made[::-1]), whole)
        left = merge(made[:1])
        for part in made[1:]:
            left = merge([left, part])
        assert_same(left, whole)


def test_summary_weight_zero_is_as_good_as_absent() -> None:
    labels, predictions, weights = random_rows(500, seed=2)
    kept = weights != 0
    assert 0 < kept.sum() < len(kept)
    predictions[~kept] = np.nan
    assert_same(
        summarize(labels, predictions, weights),
        summarize(labels[kept], predictions[kept], weights[kept]),
    )


def test_summary_integer_weight_is_as_good_as_repeating_the_row() -> None:
    labels, predictions, weights = random_rows(300, seed=3)
    times = weights.astype(int)
    repeated = summarize(
        np.repeat(labels, times), np.repeat(predictions, times), np.ones(times.sum())
    )
    weighted = summarize(labels, predictions, weights)
    np.testing.assert_allclose(weighted.scores, repeated.scores, rtol=ROUNDING)
    assert weighted.log_loss == pytest.approx(repeated.log_loss, rel=ROUNDING)


@pytest.mark.parametrize(
    ("label", "prediction", "weight"),
    [
        (0.0, np.nan, 1.0),
        (0.0, -0.1, 1.0),
        (0.0, 1.1, 1.0),
        (2.0, 0.5, 1.0),
        (np.nan, 0.5, 1.0),
        (0.0, 0.5, -1.0),
        (0.0, 0.5, np.nan),
        (0.0, 0.5, np.inf),
    ],
)
def test_summary_counts_rows_that_are_no_probability_or_outcome(
    label: float, prediction: float, weight: float
) -> None:
    made = summarize(np.array([label, 1]), np.array([prediction, 0.5]), np.array([weight, 1]))
    assert (made.rows, made.invalid_rows) == (2, 1)
    assert made.scores.shape == (1, 3)
    assert merge([made, made]).invalid_rows == 2


def test_summary_of_nothing_is_empty() -> None:
    nothing = np.zeros(0)
    assert_same(summarize(nothing, nothing, nothing), EMPTY)
    assert_same(merge([]), EMPTY)
    assert_same(merge([EMPTY, EMPTY]), EMPTY)


def test_summary_bounds_its_size_and_the_relative_error_of_merged_predictions() -> None:
    # Probabilities over six decades, as where an outcome is rare.
    predictions = np.geomspace(1e-6, 1, 200_000).astype(np.float32).astype(np.float64)
    made = summarize(np.zeros_like(predictions), predictions, np.ones_like(predictions))
    assert summary_module.MAX_SCORES / 2 < len(made.keys) <= summary_module.MAX_SCORES
    mean = made.scores[:, 2] / made.scores[:, 0]
    below_half = mean < 0.5
    # 20 octaves below 1/2 share at least 8,192 keys, so an entry is about 1/400 of an octave wide.
    gaps = np.diff(mean[below_half]) / mean[below_half][:-1]
    assert gaps.max() < 0.005


def test_summary_merged_predictions_are_ties_for_auc(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.array([0.0, 1.0, 0.0, 1.0])
    predictions = np.array([0.1, 0.1001, 0.4, 0.9])
    assert auc(summarize(labels, predictions, np.ones(4))) == 0.75
    # With three entries for four predictions, the two nearest become a tie: 3 of 4 pairs become
    # 0.5 + 1 + 1 of 4, and the pair (0.1001, 0.4) stays lost.
    monkeypatch.setattr(summary_module, "MAX_SCORES", 3)
    assert auc(summarize(labels, predictions, np.ones(4))) == 0.625
