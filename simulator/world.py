"""The drawn part of the truth: users, offers and partners with their attributes and effects."""

from __future__ import annotations

import dataclasses

import numpy as np

from rankbeam.simulator import effects
from rankbeam.simulator.sampling import (
    Bools,
    Floats,
    Ints,
    Stream,
    choose,
    cumulative,
    generator,
    power_law,
)
from rankbeam.simulator.spec import MarketplaceSpec

_MAX_INTERESTS = 4
_PRICE_SPREAD = 0.6
_OLDEST_OFFER_DAYS = 60
_OLDEST_USER_DAYS = 3_650
_LOG_AGE_SPREAD = 1.2


@dataclasses.dataclass(frozen=True)
class Users:
    """U users; the effects are on the log-odds scale.

    Attributes:
        activity: (U,) share of impressions.
        country: (U,) index into `COUNTRIES`.
        main_device: (U,) index into `DEVICES`.
        age_days: (U,) days since registration when the log starts.
        interests: (U, C) whether the user declared the category; an all-false row is a null.
        favourite: (U,) index into `CATEGORIES`, or C for a user without interests.
        allure: (U,) curiosity.
    """

    activity: Floats
    country: Ints
    main_device: Ints
    age_days: Ints
    interests: Bools
    favourite: Ints
    allure: Floats


@dataclasses.dataclass(frozen=True)
class Offers:
    """O offers in order of appearance; the effects are on the log-odds scale.

    Attributes:
        popularity: (O,) power-law weights, not normalised over the offers alive on a day.
        category: (O,) index into `CATEGORIES`.
        partner: (O,) index of the partner that owns the offer.
        birth_day: (O,) first day, negative for offers older than the log.
        price: (O,) in currency units, two decimals.
        payout: (O,) what the partner pays per conversion, in currency units, two decimals.
        allure: (O,) attractiveness of the creative that promises more than the offer holds.
        match: (O,) sum of the partner's effect and the offer's own.
    """

    popularity: Floats
    category: Ints
    partner: Ints
    birth_day: Ints
    price: Floats
    payout: Floats
    allure: Floats
    match: Floats


@dataclasses.dataclass(frozen=True)
class World:
    """Everything that a seed fixes before the first impression."""

    users: Users
    offers: Offers


def build_world(spec: MarketplaceSpec) -> World:
    """Draws the marketplace of `spec`; depends on neither `impressions` nor `replicate`."""
    return World(users=_draw_users(spec), offers=_draw_offers(spec))


def _draw_users(spec: MarketplaceSpec) -> Users:
    rng = generator(spec.seed, Stream.USERS)
    size = spec.users
    interests, favourite = _draw_interests(spec, rng)
    log_age = effects.LOG_AGE_CENTRE + _LOG_AGE_SPREAD * rng.standard_normal(size)
    return Users(
        activity=rng.permutation(power_law(size, spec.user_exponent)),
        country=choose(cumulative(effects.COUNTRY_SHARE), rng.random(size)),
        main_device=choose(cumulative(effects.DEVICE_SHARE), rng.random(size)),
        age_days=np.minimum(np.exp(log_age), _OLDEST_USER_DAYS).astype(np.int64),
        interests=interests,
        favourite=favourite,
        allure=effects.ALLURE_USER_SD * rng.standard_normal(size),
    )


def _draw_interests(spec: MarketplaceSpec, rng: np.random.Generator) -> tuple[Bools, Ints]:
    """One to four declared categories per user, none for a `null_fraction` of users."""
    categories = len(effects.CATEGORIES)
    # Gumbel keys: the k largest are a draw of k without replacement by CATEGORY_SHARE.
    gumbel = -np.log(-np.log(rng.random((spec.users, categories))))
    order = np.argsort(-(np.log(effects.CATEGORY_SHARE) + gumbel), axis=1, kind="stable")
    counts = rng.integers(1, _MAX_INTERESTS + 1, size=spec.users)
    counts[rng.random(spec.users) < spec.null_fraction] = 0
    declared = np.zeros((spec.users, categories), dtype=np.bool_)
    np.put_along_axis(declared, order, np.arange(categories) < counts[:, None], axis=1)
    favourite = np.where(counts > 0, order[:, 0], categories).astype(np.int64)
    return declared, favourite


def _draw_offers(spec: MarketplaceSpec) -> Offers:
    rng = generator(spec.seed, Stream.OFFERS)
    size = spec.all_offers
    category = choose(cumulative(effects.CATEGORY_SHARE), rng.random(size))
    partner = choose(cumulative(power_law(spec.partners, 1.0)), rng.random(size))
    log_price = effects.LOG_PRICE_MEAN[category] + _PRICE_SPREAD * rng.standard_normal(size)
    price = np.round(np.exp(log_price), 2)
    payout = np.maximum(np.round(price * (0.02 + 0.18 * rng.random(size)), 2), 0.01)
    partner_match = effects.MATCH_PARTNER_SD * rng.standard_normal(spec.partners)
    own_match = effects.MATCH_OFFER_SD * rng.standard_normal(size)
    return Offers(
        popularity=rng.permutation(power_law(size, spec.offer_exponent)),
        category=category,
        partner=partner,
        birth_day=_birth_days(spec, rng),
        price=price,
        payout=payout,
        allure=effects.ALLURE_OFFER_SD * rng.standard_normal(size),
        match=partner_match[partner] + own_match,
    )


def _birth_days(spec: MarketplaceSpec, rng: np.random.Generator) -> Ints:
    """Offers alive at the start are up to 60 days old; the others are born on days 1, 2, ..."""
    old = np.sort(-rng.integers(0, _OLDEST_OFFER_DAYS + 1, size=spec.offers))
    new = np.repeat(np.arange(1, spec.days), spec.new_offers_per_day)
    return np.asarray(np.concatenate([old, new]), dtype=np.int64)
