"""The truth equations: the logits of click and of conversion given a click.

    logit p_click                  = b_click + allure + match
    logit p_conversion_given_click = b_conversion - gamma * allure + delta * match + value

Allure (prominence, novelty, curiosity, creatives that promise too much) brings clicks that do not
convert, so clicked rows are rich in allure and poorer in conversions than all impressions are:
with gamma (`selection`) > 0 the mean of p_conversion_given_click over clicked rows lies below its
mean over all impressions. Match brings clicks and conversions, value only conversions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from rankbeam.simulator import effects
from rankbeam.simulator.impressions import Impressions, draw_impressions
from rankbeam.simulator.sampling import Floats, Ints, Stream, generator, sigmoid
from rankbeam.simulator.spec import SECONDS_PER_HOUR, MarketplaceSpec
from rankbeam.simulator.world import World

_PILOT_ROWS = 65_536
_LOGIT_BOUND = 40.0
_BISECTIONS = 60


@dataclasses.dataclass(frozen=True)
class Intercepts:
    """b_click and b_conversion of the truth equations."""

    click: float
    conversion: float


@dataclasses.dataclass(frozen=True)
class Parts:
    """The three parts of the logits; each has shape (N,)."""

    allure: Floats
    match: Floats
    value: Floats


def parts(spec: MarketplaceSpec, world: World, rows: Impressions) -> Parts:
    """Allure, match and value of each impression, by the table of effects in docs/simulator.md."""
    users, offers = world.users, world.offers
    category = offers.category[rows.offer]
    offer_age = (rows.day - offers.birth_day[rows.offer]).astype(np.float64)
    allure = (
        users.allure[rows.user]
        + offers.allure[rows.offer]
        + effects.ALLURE_DEVICE[rows.device]
        + effects.ALLURE_PLACEMENT[rows.placement]
        + effects.ALLURE_NOVELTY * np.exp(-offer_age / effects.NOVELTY_DAYS)
        - spec.position_bias * np.log2(rows.position)
    )
    evening = np.cos(2.0 * np.pi * (np.arange(24) - effects.EVENING_HOUR) / 24.0)
    payout = np.log(offers.payout) - effects.LOG_PAYOUT_CENTRE
    match = (
        offers.match[rows.offer]
        + effects.MATCH_PAYOUT * payout[rows.offer]
        + effects.MATCH_CATEGORY_DEVICE[category, rows.device]
        + effects.MATCH_INTEREST * users.interests[rows.user, category]
        + effects.MATCH_EVENING * evening[rows.hour]
    )
    price = np.log(offers.price) - effects.LOG_PRICE_CENTRE
    user_age = np.log1p(users.age_days[rows.user] + rows.day) - effects.LOG_AGE_CENTRE
    value = (
        effects.VALUE_CATEGORY[category]
        + effects.VALUE_COUNTRY[users.country[rows.user]]
        + effects.VALUE_BROWSER[rows.browser]
        + effects.VALUE_CONNECTION[rows.connection]
        + effects.VALUE_PRICE * price[rows.offer]
        + effects.VALUE_LOYALTY * user_age
    )
    return Parts(allure=allure, match=match, value=value)


def probabilities(
    spec: MarketplaceSpec, intercepts: Intercepts, terms: Parts
) -> tuple[Floats, Floats]:
    """p_click and p_conversion_given_click of each impression, both of shape (N,)."""
    click = intercepts.click + terms.allure + terms.match
    return sigmoid(click), sigmoid(intercepts.conversion + _conversion_logit(spec, terms))


def probability_observed(spec: MarketplaceSpec, timestamp: Ints) -> Floats:
    """Probability that a conversion of a click at `timestamp` arrives before the log's end."""
    if spec.conversion_delay_hours == 0.0:
        return np.ones(timestamp.size)
    left = (spec.end_timestamp - timestamp) / (spec.conversion_delay_hours * SECONDS_PER_HOUR)
    return np.asarray(-np.expm1(-left))


def calibrate(spec: MarketplaceSpec, world: World) -> Intercepts:
    """Intercepts that give `click_rate` and `conversion_rate` on a pilot log of 65,536 rows.

    The pilot has its own random stream; the conversion rate is that of clicked rows, so the pilot
    weighs each row with its p_click.
    """
    quantiles = (np.arange(_PILOT_ROWS) + 0.5) / _PILOT_ROWS
    rows = draw_impressions(spec, world, quantiles, generator(spec.seed, Stream.PILOT))
    terms = parts(spec, world, rows)
    click_logit = terms.allure + terms.match
    click = _bisect(lambda b: float(sigmoid(b + click_logit).mean()), spec.click_rate)
    weight = sigmoid(click + click_logit)
    weight /= weight.sum()
    conversion_logit = _conversion_logit(spec, terms)
    conversion = _bisect(
        lambda b: float((weight * sigmoid(b + conversion_logit)).sum()), spec.conversion_rate
    )
    return Intercepts(click=click, conversion=conversion)


def _conversion_logit(spec: MarketplaceSpec, terms: Parts) -> Floats:
    carried = effects.MATCH_CARRY * terms.match
    return np.asarray(terms.value + carried - spec.selection * terms.allure)


def _bisect(rate: Callable[[float], float], target: float) -> float:
    """The intercept at which the increasing function `rate` reaches `target`."""
    low, high = -_LOGIT_BOUND, _LOGIT_BOUND
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rate(middle) < target else (low, middle)
    return 0.5 * (low + high)
