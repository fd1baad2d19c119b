"""The logging policy: which offer an impression shows, and with what probability.

A context c of the policy is (day, device, favourite category of the user). With n_day offers
alive, popularity w_o and the believed score s_o(c), the policy is

    pi(o | c) = epsilon / n_day + (1 - epsilon) * w_o * exp(s_o(c)) / sum_o' w_o' * exp(s_o'(c))
    s_o(c) = POLICY_INTEREST * [category_o is the favourite]
             + POLICY_CATEGORY_DEVICE * MATCH_CATEGORY_DEVICE[category_o, device]

so every offer alive has a positive, recorded propensity, and epsilon (`exploration`) bounds the
importance weight of the uniform policy, 1 / (n_day * pi), by 1 / epsilon.
"""

from __future__ import annotations

import numpy as np

from rankbeam.simulator import effects
from rankbeam.simulator.sampling import Floats, Ints, choose_by_row, cumulative
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.world import World


def segment(device: Ints, favourite: Ints) -> Ints:
    """Index of the policy's context within a day; `favourite` C means no declared interest."""
    return device * (len(effects.CATEGORIES) + 1) + favourite


def propensities(spec: MarketplaceSpec, world: World, day: int) -> Floats:
    """pi(offer | segment) on `day`: shape (segments, n_day); every row sums to 1."""
    alive = spec.offers_on(day)
    categories = len(effects.CATEGORIES)
    category = world.offers.category[:alive]
    is_favourite = np.arange(categories + 1)[:, None] == category
    believed = effects.MATCH_CATEGORY_DEVICE.T[:, category]
    # (devices, favourites, offers)
    score = (
        effects.POLICY_INTEREST * is_favourite[None, :, :]
        + effects.POLICY_CATEGORY_DEVICE * believed[:, None, :]
    )
    weight = (world.offers.popularity[:alive] * np.exp(score)).reshape(-1, alive)
    greedy = weight / weight.sum(axis=1, keepdims=True)
    return np.asarray(spec.exploration / alive + (1.0 - spec.exploration) * greedy)


def choose_offers(
    spec: MarketplaceSpec, world: World, day: Ints, segments: Ints, uniforms: Floats
) -> tuple[Ints, Floats]:
    """Draws one offer per impression.

    Args:
        spec: the marketplace.
        world: its users and offers.
        day: (N,) in ascending order.
        segments: (N,) as `segment` gives them.
        uniforms: (N,) in [0, 1), one per draw.

    Returns:
        (N,) offer indices and (N,) their propensities.
    """
    offer = np.empty(day.size, dtype=np.int64)
    propensity = np.empty(day.size, dtype=np.float64)
    days, starts = np.unique(day, return_index=True)
    for value, start, stop in zip(days, starts, [*starts[1:], day.size], strict=True):
        rows = slice(start, stop)
        table = propensities(spec, world, int(value))
        offer[rows] = choose_by_row(cumulative(table), segments[rows], uniforms[rows])
        propensity[rows] = table[segments[rows], offer[rows]]
    return offer, propensity
