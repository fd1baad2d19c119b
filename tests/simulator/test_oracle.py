"""The oracle against hand-worked figures and scikit-learn."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from rankbeam.simulator.oracle import (
    align_truth,
    auc,
    bayes_optimal,
    calibration_ratio,
    log_loss,
)
from tests.simulator.marketplaces import Simulated


def test_oracle_auc_by_hand() -> None:
    # Positives score .8 and .4, negatives .6, .4 and .1. Of the 6 pairs, .8 wins 3; .4 wins
    # against .1, ties with .4 and loses against .6: (3 + 1 + 0.5) / 6.
    assert auc([1, 0, 1, 0, 0], [0.8, 0.6, 0.4, 0.4, 0.1]) == pytest.approx(0.75, abs=1e-15)


def test_oracle_auc_with_probabilities_by_hand() -> None:
    # Rows (t, s): (0.75, 2) and (0.25, 1). Pairs of a positive i and a negative j:
    # i=1, j=2: 0.75 * 0.75, a win; i=j=1: 0.75 * 0.25, a tie; i=j=2: 0.25 * 0.75, a tie;
    # i=2, j=1: 0.25 * 0.25, a loss. (0.5625 + 0.5 * 0.375) / (1 * 1).
    assert auc([0.75, 0.25], [2.0, 1.0]) == pytest.approx(0.75, abs=1e-15)


def test_oracle_log_loss_by_hand() -> None:
    # -(ln 0.8 + ln 0.5) / 2
    assert log_loss([1, 0], [0.8, 0.5]) == pytest.approx(0.4581453659370775, rel=1e-14)


def test_oracle_calibration_by_hand() -> None:
    assert calibration_ratio([1, 0, 1, 0], [0.9, 0.2, 0.7, 0.7]) == pytest.approx(1.25, rel=1e-14)


@pytest.mark.parametrize("digits", [1, 2, 16])
def test_oracle_agrees_with_scikit_learn(digits: int) -> None:
    rng = np.random.default_rng(5)
    scores = np.round(rng.random(5_000), digits).clip(0.001, 0.999)
    labels = (rng.random(5_000) < scores).astype(np.int64)
    # Sums of 5,000 doubles in another order.
    assert auc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), rel=1e-12)
    assert log_loss(labels, scores) == pytest.approx(metrics.log_loss(labels, scores), rel=1e-12)


def test_oracle_auc_with_probabilities_agrees_with_weighted_scikit_learn() -> None:
    rng = np.random.default_rng(6)
    targets, scores = rng.random(2_000), np.round(rng.random(2_000), 2)
    # Each row once as a positive with weight t and once as a negative with weight 1 - t.
    expected = metrics.roc_auc_score(
        np.repeat([1, 0], 2_000),
        np.tile(scores, 2),
        sample_weight=np.concatenate([targets, 1.0 - targets]),
    )
    assert auc(targets, scores) == pytest.approx(expected, rel=1e-12)


def test_oracle_auc_depends_on_the_order_only() -> None:
    rng = np.random.default_rng(7)
    labels, scores = rng.integers(0, 2, 500), rng.normal(size=500)
    assert auc(labels, scores) == auc(labels, np.exp(3.0 * scores))
    assert auc(labels, scores) == pytest.approx(1.0 - auc(labels, -scores), rel=1e-12)
    assert auc(labels, np.zeros(500)) == 0.5


def test_oracle_log_loss_of_certain_predictions_is_finite() -> None:
    assert log_loss([1, 0], [1.0, 0.0]) == pytest.approx(0.0, abs=1e-14)
    assert log_loss([0], [1.0]) == pytest.approx(-np.log(1e-15), rel=0.01)


@pytest.mark.parametrize(
    ("function", "targets", "values", "message"),
    [
        (auc, [1, 1], [0.1, 0.2], r"AUC needs both classes; got 2 positives in 2 rows"),
        (auc, [0, 0], [0.1, 0.2], r"AUC needs both classes; got 0 positives in 2 rows"),
        (auc, [0, 1], [0.1], r"equally long; got shapes \(2,\) and \(1,\)"),
        (auc, [[0, 1]], [[0.1, 0.2]], r"one-dimensional .* got shapes \(1, 2\) and \(1, 2\)"),
        (auc, [0, 2], [0.1, 0.2], r"targets must lie in \[0, 1\]; got 2.0 at row 1"),
        (auc, [0, 1], [0.1, float("nan")], r"predictions must be finite; got nan at row 1"),
        (log_loss, [], [], r"targets must not be empty; got 0 rows"),
        (log_loss, [0, 1], [0.1, 1.2], r"predictions must lie in \[0, 1\]; got 1.2 at row 1"),
        (calibration_ratio, [0, 0], [0.1, 0.2], r"calibration needs positives; got none in 2"),
        (calibration_ratio, [0, 1], [-0.1, 0], r"predictions must lie .*; got -0.1 at row 0"),
    ],
)
def test_oracle_refuses_bad_input(function: Any, targets: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(targets, values)


def test_oracle_bayes_optimal_agrees_with_scikit_learn(default_log: Simulated) -> None:
    best = bayes_optimal(default_log.log, default_log.truth)
    click, conversion = default_log.column("click"), default_log.column("conversion")
    p_click, p_ctcvr, p_observed, p_conversion = (
        default_log.column(name)
        for name in ("p_click", "p_ctcvr", "p_observed", "p_conversion_given_click")
    )
    clicked = click == 1
    for found, labels, probability in (
        (best.click, click, p_click),
        (best.ctcvr, conversion, p_ctcvr * p_observed),
        (best.conversion_given_click, conversion[clicked], (p_conversion * p_observed)[clicked]),
    ):
        assert found.auc == pytest.approx(metrics.roc_auc_score(labels, probability), rel=1e-9)
        assert found.log_loss == pytest.approx(metrics.log_loss(labels, probability), rel=1e-9)
        assert found.calibration == pytest.approx(probability.sum() / labels.sum(), rel=1e-9)
        assert found.examples == labels.size
        assert found.positives == labels.sum()
        # The ratio's standard error is about 1 / sqrt(positives); 3.89 of them: 1e-4.
        assert abs(found.calibration - 1.0) < 3.89 / np.sqrt(found.positives)


def test_oracle_default_marketplace_is_worth_learning(default_log: Simulated) -> None:
    best = bayes_optimal(default_log.log, default_log.truth)
    assert 0.75 < best.click.auc < 0.80
    assert 0.70 < best.conversion_given_click.auc < 0.80
    assert best.conversion_everywhere.calibration == 1.0
    assert best.conversion_everywhere.examples == 300_000


def test_oracle_nothing_beats_the_truth(default_log: Simulated) -> None:
    rng = np.random.default_rng(8)
    best = bayes_optimal(default_log.log, default_log.truth)
    click, p = default_log.column("click"), default_log.column("p_click")
    noisy = 1.0 / (1.0 + np.exp(-np.log(p / (1 - p)) - rng.normal(scale=0.3, size=p.size)))
    assert auc(click, noisy) < best.click.auc
    assert log_loss(click, noisy) > best.click.log_loss
    true_conversion = default_log.column("p_conversion_given_click")
    flat = np.full(p.size, true_conversion.mean())
    assert log_loss(true_conversion, flat) > best.conversion_everywhere.log_loss


def test_oracle_aligns_a_shuffled_part_of_the_log(default_log: Simulated) -> None:
    rows = np.random.default_rng(9).permutation(300_000)[:5_000]
    part = default_log.log.take(pa.array(rows))
    known = align_truth(part.column("impression_id").to_numpy(), default_log.truth)
    assert known.column("impression_id").equals(part.column("impression_id"))
    expected = default_log.column("p_click")[rows]
    np.testing.assert_array_equal(known.column("p_click").to_numpy(), expected)
    assert bayes_optimal(part, default_log.truth).click.examples == 5_000


@pytest.mark.parametrize(("kept", "missing"), [(0, 3), (2, 3), (5, 9)])
def test_oracle_names_the_first_row_without_truth(
    default_log: Simulated, kept: int, missing: int
) -> None:
    with pytest.raises(ValueError, match=f"no row for impression_id {missing}$"):
        align_truth([3, 1, 9], default_log.truth.slice(0, kept))
