"""The logging policy: recorded propensities are the probabilities that were used."""

import dataclasses

import numpy as np
import pytest

from rankbeam.simulator import effects
from rankbeam.simulator.impressions import Impressions, draw_impressions
from rankbeam.simulator.policy import propensities, segment
from rankbeam.simulator.sampling import Floats, choose_by_row, cumulative
from rankbeam.simulator.simulate import Marketplace
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.truth import parts, probabilities
from rankbeam.simulator.world import build_world

_SMALL = MarketplaceSpec(offers=40, new_offers_per_day=10, days=2, users=500)


def _draw(market: Marketplace, rows: int, seed: int) -> Impressions:
    quantiles = (np.arange(rows) + 0.5) / rows
    return draw_impressions(market.spec, market.world, quantiles, np.random.default_rng(seed))


def _p_click(market: Marketplace, rows: Impressions) -> Floats:
    return probabilities(market.spec, market.intercepts, parts(market.spec, market.world, rows))[0]


@pytest.mark.parametrize("exploration", [0.0, 0.2, 1.0])
def test_policy_propensities_sum_to_one_in_every_context(exploration: float) -> None:
    spec = dataclasses.replace(_SMALL, exploration=exploration)
    for day in range(2):
        table = propensities(spec, build_world(spec), day)
        assert table.shape == (len(effects.DEVICES) * (len(effects.CATEGORIES) + 1), 40 + 10 * day)
        np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-12)
        assert np.all(table >= exploration / table.shape[1])
        assert np.all(table > 0.0)


def test_policy_full_exploration_is_uniform() -> None:
    spec = dataclasses.replace(_SMALL, exploration=1.0)
    np.testing.assert_array_equal(propensities(spec, build_world(spec), 1), 1.0 / 50)


def test_policy_prefers_the_favourite_category_as_documented() -> None:
    spec = dataclasses.replace(_SMALL, exploration=0.0)
    world = build_world(spec)
    table = propensities(spec, world, 0)
    category, popularity = world.offers.category[:40], world.offers.popularity[:40]
    games, finance = (effects.CATEGORIES.index(name) for name in ("games", "finance"))
    # A user on a desktop (device 1) whose favourite is finance. Two offers' odds, by hand:
    # w_a exp(0.3 * -1.20) for games against w_b exp(1.0 + 0.3 * 0.45) for finance.
    a, b = np.flatnonzero(category == games)[0], np.flatnonzero(category == finance)[0]
    row = table[segment(np.array([1]), np.array([finance]))[0]]
    expected = popularity[a] * np.exp(-0.36) / (popularity[b] * np.exp(1.135))
    assert row[a] / row[b] == pytest.approx(expected, rel=1e-12)


def test_policy_recorded_propensity_is_the_one_of_the_context() -> None:
    market = Marketplace.build(_SMALL)
    rows = _draw(market, 2_000, seed=1)
    segments = segment(rows.device, market.world.users.favourite[rows.user])
    for day in range(2):
        chosen = rows.day == day
        table = propensities(_SMALL, market.world, day)
        np.testing.assert_array_equal(
            rows.propensity[chosen], table[segments[chosen], rows.offer[chosen]]
        )


def test_policy_offers_are_drawn_with_their_propensities() -> None:
    market = Marketplace.build(dataclasses.replace(_SMALL, days=1))
    rows = _draw(market, 200_000, seed=2)
    segments = segment(rows.device, market.world.users.favourite[rows.user])
    busiest = np.bincount(segments).argmax()
    shown = np.bincount(rows.offer[segments == busiest], minlength=40)
    expected = shown.sum() * propensities(market.spec, market.world, 0)[busiest]
    # Chi-square with 39 degrees of freedom: above 79.6 with probability 1e-4.
    assert ((shown - expected) ** 2 / expected).sum() < 79.6


def test_policy_inverse_propensity_estimates_the_uniform_policy() -> None:
    market = Marketplace.build(dataclasses.replace(_SMALL, days=1))
    rows = _draw(market, 50_000, seed=3)
    click = np.random.default_rng(4).random(50_000) < _p_click(market, rows)
    every_offer = [
        _p_click(market, dataclasses.replace(rows, offer=np.full(50_000, offer)))
        for offer in range(40)
    ]
    uniform = np.mean(every_offer)
    weighted = click / (40 * rows.propensity)
    error = weighted.std() / np.sqrt(weighted.size)
    # A two-sided test that fails a right estimator with probability 1e-3.
    assert abs(weighted.mean() - uniform) < 3.29 * error
    # The plain mean estimates the logging policy, which is better than the uniform one.
    assert click.mean() - uniform > 5 * click.std() / np.sqrt(click.size)


def test_policy_position_is_independent_of_the_offer() -> None:
    market = Marketplace.build(dataclasses.replace(_SMALL, days=1))
    rows = _draw(market, 100_000, seed=5)
    table = np.zeros((8, 40))
    np.add.at(table, (rows.position - 1, rows.offer), 1)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    # Chi-square with 7 * 39 = 273 degrees of freedom: above 370 with probability 1e-4.
    assert ((table - expected) ** 2 / expected).sum() < 370


def test_policy_choose_by_row_keeps_to_its_row() -> None:
    table = cumulative(np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]))
    below_one = np.nextafter(1.0, 0.0)
    rows = np.array([0, 0, 0, 1, 1, 1])
    uniforms = np.array([0.0, 0.5, below_one, 0.0, 0.25, below_one])
    # By hand: [0, .5) is 0, [.5, 1) is 1; then [0, .25) is 1 and [.25, 1) is 2.
    np.testing.assert_array_equal(choose_by_row(table, rows, uniforms), [0, 1, 1, 1, 1 + 1, 2])
