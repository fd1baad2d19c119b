"""The truth: its equations, its agreement with the drawn labels, and the effects it promises."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder

from rankbeam.simulator.simulate import Marketplace
from rankbeam.simulator.spec import MarketplaceSpec
from tests.reference import marketplace as reference
from tests.simulator.marketplaces import Simulated, mean_by, run

# Each test that compares a frequency with its probability fails a correct simulator with
# probability 1e-4: 3.89 standard errors on one figure, 52.4 on a chi-square of 20 degrees.
_Z = 3.89
_CHI_SQUARE_20 = 52.4


def _chi_square(labels: npt.NDArray[np.float64], probability: npt.NDArray[np.float64]) -> float:
    """Sum over 20 equally large bins of the squared z-score of the number of positives."""
    order = np.argsort(probability, kind="stable")
    total = 0.0
    for rows in np.array_split(order, 20):
        p = probability[rows]
        total += float((labels[rows].sum() - p.sum()) ** 2 / (p * (1.0 - p)).sum())
    return total


def test_truth_equals_the_reference_equations() -> None:
    spec = MarketplaceSpec(impressions=400, null_fraction=0.0, selection=0.8, position_bias=0.6)
    market, simulated = Marketplace.build(spec), run(spec)
    users, offers = market.world.users, market.world.offers
    rows, truths = simulated.log.to_pylist(), simulated.truth.to_pylist()
    for row, truth in zip(rows, truths, strict=True):
        user, offer = int(row["user_id"][1:]), int(row["offer_id"][1:])
        p_click, p_conversion = reference.probabilities(
            reference.allure(row, users.allure[user], offers.allure[offer], 0.6),
            reference.match(row, offers.match[offer]),
            reference.value(row),
            market.intercepts.click,
            market.intercepts.conversion,
            0.8,
        )
        # Both sides are float64 sums of a dozen terms.
        assert truth["p_click"] == pytest.approx(p_click, rel=1e-12)
        assert truth["p_conversion_given_click"] == pytest.approx(p_conversion, rel=1e-12)
        assert truth["p_ctcvr"] == pytest.approx(p_click * p_conversion, rel=1e-12)


def test_truth_clicks_are_calibrated(default_log: Simulated) -> None:
    assert _chi_square(default_log.column("click"), default_log.column("p_click")) < _CHI_SQUARE_20


def test_truth_counterfactual_conversions_are_calibrated(default_log: Simulated) -> None:
    outcome = default_log.column("would_convert")
    assert _chi_square(outcome, default_log.column("p_conversion_given_click")) < _CHI_SQUARE_20


def test_truth_clicked_conversions_are_calibrated(default_log: Simulated) -> None:
    clicked = default_log.column("click") == 1
    p = default_log.column("p_conversion_given_click") * default_log.column("p_observed")
    assert _chi_square(default_log.column("conversion")[clicked], p[clicked]) < _CHI_SQUARE_20


def test_truth_joint_conversions_are_calibrated(default_log: Simulated) -> None:
    p = default_log.column("p_ctcvr") * default_log.column("p_observed")
    assert _chi_square(default_log.column("conversion"), p) < _CHI_SQUARE_20


@pytest.mark.parametrize(("click_rate", "conversion_rate"), [(0.07, 0.10), (0.2, 0.3)])
def test_truth_base_rates_are_met(click_rate: float, conversion_rate: float) -> None:
    spec = MarketplaceSpec(
        impressions=100_000, click_rate=click_rate, conversion_rate=conversion_rate
    )
    simulated = run(spec)
    p_click, p_ctcvr = simulated.column("p_click"), simulated.column("p_ctcvr")
    # Means over 65,536 pilot rows and 100,000 log rows differ by 1 % of their size at most.
    assert p_click.mean() == pytest.approx(click_rate, rel=0.02)
    assert p_ctcvr.sum() / p_click.sum() == pytest.approx(conversion_rate, rel=0.02)


def test_truth_click_and_conversion_are_related_but_not_the_same(default_log: Simulated) -> None:
    click, conversion = (
        np.log(p / (1.0 - p))
        for p in (default_log.column("p_click"), default_log.column("p_conversion_given_click"))
    )
    assert -0.8 < np.corrcoef(click, conversion)[0, 1] < -0.2


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_truth_games_win_on_average_and_lose_on_desktop(seed: int) -> None:
    simulated = run(MarketplaceSpec(impressions=60_000, seed=seed))
    category, p_click = simulated.names("category"), simulated.column("p_click")
    overall = mean_by(category, p_click)
    desktop = simulated.names("device") == "desktop"
    on_desktop = mean_by(category[desktop], p_click[desktop])
    assert max(overall, key=overall.__getitem__) == "games"
    assert min(on_desktop, key=on_desktop.__getitem__) == "games"


def test_truth_clicked_rows_convert_less_than_all_would(default_log: Simulated) -> None:
    p = default_log.column("p_conversion_given_click")
    clicked = default_log.column("click") == 1
    assert p.mean() > 1.4 * p[clicked].mean()


def test_truth_without_selection_clicked_rows_convert_more() -> None:
    simulated = run(MarketplaceSpec(impressions=100_000, selection=0.0))
    p = simulated.column("p_conversion_given_click")
    assert p.mean() < p[simulated.column("click") == 1].mean()


def _mean_predicted_by_model_of_clicked_rows(simulated: Simulated) -> float:
    """Mean over all rows of a logistic regression, without ids, fitted to the clicked ones."""
    names = ["category", "device", "country", "placement"]
    values = np.column_stack([simulated.names(name) for name in names])
    position = np.log2(simulated.column("position"))[:, None]
    inputs = np.hstack([OneHotEncoder(sparse_output=False).fit_transform(values), position])
    clicked = simulated.column("click") == 1
    model = LogisticRegression(max_iter=500)
    model.fit(inputs[clicked], simulated.column("would_convert")[clicked])
    return float(model.predict_proba(inputs)[:, 1].mean())


def test_truth_model_of_clicked_rows_is_biased_over_all_rows(default_log: Simulated) -> None:
    predicted = _mean_predicted_by_model_of_clicked_rows(default_log)
    # About 21,000 clicks with 2,100 conversions: the standard error is about
    # 0.003, so that an unbiased model (mean 0.149) fails here with probability below 1e-3.
    assert predicted < 0.93 * default_log.column("p_conversion_given_click").mean()


def test_truth_position_lowers_clicks_and_raises_conversions(default_log: Simulated) -> None:
    position = default_log.column("position")
    click, conversion = (
        np.array([default_log.column(name)[position == slot].mean() for slot in range(1, 9)])
        for name in ("p_click", "p_conversion_given_click")
    )
    assert np.all(np.diff(click) < 0)
    assert np.all(np.diff(conversion) > 0)
    assert click[0] > 2.5 * click[-1]


def test_truth_position_bias_can_be_switched_off() -> None:
    simulated = run(MarketplaceSpec(impressions=100_000, position_bias=0.0))
    top = simulated.column("position") == 1
    click = simulated.column("p_click")
    error = np.sqrt(click[top].var() / top.sum() + click[~top].var() / (~top).sum())
    assert abs(click[top].mean() - click[~top].mean()) < _Z * error


def test_truth_conversions_need_a_click_and_must_arrive_in_time() -> None:
    spec = MarketplaceSpec(impressions=100_000, days=3, conversion_delay_hours=48.0)
    simulated = run(spec)
    would = simulated.column("would_convert") == 1
    delay = simulated.column("conversion_delay_s")
    np.testing.assert_array_equal(np.isnan(delay), ~would)
    in_time = simulated.column("timestamp") + np.nan_to_num(delay) < spec.end_timestamp
    expected = (simulated.column("click") == 1) & would & in_time
    np.testing.assert_array_equal(simulated.column("conversion") == 1, expected)


def test_truth_observed_share_matches_the_delay() -> None:
    spec = MarketplaceSpec(impressions=100_000, days=3, conversion_delay_hours=48.0)
    simulated = run(spec)
    would = simulated.column("would_convert") == 1
    delay, left = (
        simulated.column("conversion_delay_s")[would],
        spec.end_timestamp - simulated.column("timestamp")[would],
    )
    p = simulated.column("p_observed")[would]
    np.testing.assert_allclose(p, 1.0 - np.exp(-left / (48 * 3_600)), rtol=1e-9)
    assert _chi_square((delay < left).astype(np.float64), p) < _CHI_SQUARE_20
    assert 0.3 < p.mean() < 0.6
    # An exponential's standard deviation is its mean; whole seconds take half of one away.
    assert abs(delay.mean() + 0.5 - 48 * 3_600) < _Z * 48 * 3_600 / np.sqrt(delay.size)


def test_truth_no_delay_loses_no_conversion() -> None:
    simulated = run(MarketplaceSpec(impressions=50_000, conversion_delay_hours=0.0))
    np.testing.assert_array_equal(
        simulated.column("conversion"),
        simulated.column("click") * simulated.column("would_convert"),
    )
    assert set(simulated.column("p_observed")) == {1.0}


def test_truth_nulls_hide_values_but_do_not_change_them() -> None:
    spec = MarketplaceSpec(impressions=10_000, null_fraction=0.0)
    whole, holed = run(spec), run(dataclasses.replace(spec, null_fraction=0.5))
    for name in ("browser", "connection"):
        seen = holed.names(name) != None  # noqa: E711
        np.testing.assert_array_equal(holed.names(name)[seen], whole.names(name)[seen])
