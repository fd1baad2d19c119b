"""Draws of impressions: who, when, where, and the offer that the logging policy showed."""

from __future__ import annotations

import dataclasses

import numpy as np

from rankbeam.simulator import effects
from rankbeam.simulator.policy import choose_offers, segment
from rankbeam.simulator.sampling import (
    Floats,
    Ints,
    choose,
    choose_by_row,
    cumulative,
)
from rankbeam.simulator.spec import SECONDS_PER_DAY, SECONDS_PER_HOUR, MarketplaceSpec
from rankbeam.simulator.world import World


@dataclasses.dataclass(frozen=True)
class Impressions:
    """N impressions in order of time; every array has shape (N,).

    Attributes:
        timestamp: seconds since the Unix epoch, UTC.
        day: whole days since the log's start.
        hour: hour of the day in UTC, 0 to 23.
        user: index of the user.
        device: index into `DEVICES`.
        browser: index into `BROWSERS`.
        connection: index into `CONNECTIONS`.
        placement: index into `PLACEMENTS`.
        position: slot on the page, from 1.
        offer: index of the offer shown.
        propensity: the logging policy's probability of showing it.
    """

    timestamp: Ints
    day: Ints
    hour: Ints
    user: Ints
    device: Ints
    browser: Ints
    connection: Ints
    placement: Ints
    position: Ints
    offer: Ints
    propensity: Floats


def draw_impressions(
    spec: MarketplaceSpec, world: World, quantiles: Floats, rng: np.random.Generator
) -> Impressions:
    """Draws one impression per quantile.

    Position and placement are independent of the offer, so a difference of click rates between
    positions is caused by the position alone.

    Args:
        spec: the marketplace.
        world: its users and offers.
        quantiles: (N,) ascending in [0, 1): the share of the log's traffic that came before.
        rng: source of all other randomness; the same number of draws per row whatever the spec.
    """
    size = quantiles.size
    elapsed = _elapsed_seconds(spec, quantiles)
    day = elapsed // SECONDS_PER_DAY
    user = choose(cumulative(world.users.activity), rng.random(size))
    device = _draw_device(world, user, rng)
    browser = choose_by_row(cumulative(effects.BROWSER_SHARE), device, rng.random(size))
    connection = choose_by_row(cumulative(effects.CONNECTION_SHARE), device, rng.random(size))
    placement = choose(cumulative(effects.PLACEMENT_SHARE), rng.random(size))
    decay = effects.POSITION_DECAY ** np.arange(spec.positions, dtype=np.float64)
    position = choose(cumulative(decay), rng.random(size)) + 1
    segments = segment(device, world.users.favourite[user])
    offer, propensity = choose_offers(spec, world, day, segments, rng.random(size))
    return Impressions(
        timestamp=spec.start_timestamp + elapsed,
        day=day,
        hour=elapsed % SECONDS_PER_DAY // SECONDS_PER_HOUR,
        user=user,
        device=device,
        browser=browser,
        connection=connection,
        placement=placement,
        position=position,
        offer=offer,
        propensity=propensity,
    )


def _draw_device(world: World, user: Ints, rng: np.random.Generator) -> Ints:
    """Mostly the user's main device, otherwise any."""
    is_main = rng.random(user.size) < effects.MAIN_DEVICE_SHARE
    other = choose(cumulative(effects.DEVICE_SHARE), rng.random(user.size))
    return np.where(is_main, world.users.main_device[user], other)


def _elapsed_seconds(spec: MarketplaceSpec, quantiles: Floats) -> Ints:
    """Seconds since the log's start at which each share of the traffic has passed."""
    share = cumulative(effects.HOUR_SHARE)
    day, within = np.divmod(quantiles * spec.days, 1.0)
    hour = np.interp(within, np.concatenate([[0.0], share]), np.arange(25.0))
    seconds = (day * SECONDS_PER_DAY + hour * SECONDS_PER_HOUR).astype(np.int64)
    return np.minimum(seconds, spec.days * SECONDS_PER_DAY - 1)
