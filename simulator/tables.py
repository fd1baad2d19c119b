"""Arrow schemas of the log and of the truth, and the encoding of index arrays into them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa

from rankbeam.simulator import effects
from rankbeam.simulator.impressions import Impressions
from rankbeam.simulator.sampling import Bools, Floats, Ints
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.world import World

# The name Parquet gives to the items of a list, so that a table equals what is read back.
_INTERESTS = pa.list_(pa.field("element", pa.string()))

LOG_SCHEMA = pa.schema(
    [
        pa.field("impression_id", pa.int64(), nullable=False),
        pa.field("timestamp", pa.int64(), nullable=False),
        pa.field("day", pa.int64(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("offer_id", pa.string(), nullable=False),
        pa.field("partner_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("browser", pa.string()),
        pa.field("country", pa.string(), nullable=False),
        pa.field("connection", pa.string()),
        pa.field("placement", pa.string(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("interests", _INTERESTS),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("payout", pa.float64(), nullable=False),
        pa.field("user_age_days", pa.int64()),
        pa.field("offer_age_days", pa.int64(), nullable=False),
        pa.field("hour", pa.int64(), nullable=False),
        pa.field("propensity", pa.float64(), nullable=False),
        pa.field("click", pa.int64(), nullable=False),
        pa.field("conversion", pa.int64(), nullable=False),
    ]
)

TRUTH_SCHEMA = pa.schema(
    [
        pa.field("impression_id", pa.int64(), nullable=False),
        pa.field("p_click", pa.float64(), nullable=False),
        pa.field("p_conversion_given_click", pa.float64(), nullable=False),
        pa.field("p_ctcvr", pa.float64(), nullable=False),
        pa.field("p_observed", pa.float64(), nullable=False),
        pa.field("would_convert", pa.int64(), nullable=False),
        pa.field("conversion_delay_s", pa.int64()),
    ]
)


@dataclasses.dataclass(frozen=True)
class Nulls:
    """Which rows of the nullable per-impression features are null; each has shape (N,)."""

    browser: Bools
    connection: Bools
    user_age_days: Bools


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """What happened; each array has shape (N,).

    Attributes:
        p_click: true probability of a click.
        p_conversion_given_click: true probability of a conversion had the impression been clicked.
        p_observed: probability that a conversion arrives before the log's end.
        click: whether it was clicked.
        would_convert: whether a click converts sooner or later, for unclicked rows too.
        conversion_delay_s: seconds from click to conversion, meaningful where `would_convert`.
        conversion: whether it was clicked and a conversion arrived before the log's end.
    """

    p_click: Floats
    p_conversion_given_click: Floats
    p_observed: Floats
    click: Bools
    would_convert: Bools
    conversion_delay_s: Ints
    conversion: Bools


@dataclasses.dataclass(frozen=True)
class Vocabularies:
    """The strings behind the indices, each an Arrow array to take from."""

    users: pa.Array
    offers: pa.Array
    partners: pa.Array
    interests: pa.Array


def vocabularies(spec: MarketplaceSpec, world: World) -> Vocabularies:
    """Names of users, offers and partners, and each user's list of interests."""
    return Vocabularies(
        users=_names("u", spec.users),
        offers=_names("o", spec.all_offers),
        partners=_names("p", spec.partners),
        interests=_interest_lists(world.users.interests),
    )


def log_table(
    names: Vocabularies,
    world: World,
    rows: Impressions,
    nulls: Nulls,
    outcomes: Outcomes,
    first_id: int,
) -> pa.Table:
    """The log's rows, `LOG_SCHEMA`; what a production system could have written down."""
    users, offers = world.users, world.offers
    user_age = users.age_days[rows.user] + rows.day
    columns = {
        "impression_id": pa.array(np.arange(first_id, first_id + rows.day.size)),
        "timestamp": pa.array(rows.timestamp),
        "day": pa.array(rows.day),
        "user_id": names.users.take(pa.array(rows.user)),
        "offer_id": names.offers.take(pa.array(rows.offer)),
        "partner_id": names.partners.take(pa.array(offers.partner[rows.offer])),
        "category": _take(effects.CATEGORIES, offers.category[rows.offer]),
        "device": _take(effects.DEVICES, rows.device),
        "browser": _take(effects.BROWSERS, rows.browser, nulls.browser),
        "country": _take(effects.COUNTRIES, users.country[rows.user]),
        "connection": _take(effects.CONNECTIONS, rows.connection, nulls.connection),
        "placement": _take(effects.PLACEMENTS, rows.placement),
        "position": pa.array(rows.position),
        "interests": names.interests.take(pa.array(rows.user)),
        "price": pa.array(offers.price[rows.offer]),
        "payout": pa.array(offers.payout[rows.offer]),
        "user_age_days": pa.array(user_age, mask=nulls.user_age_days),
        "offer_age_days": pa.array(rows.day - offers.birth_day[rows.offer]),
        "hour": pa.array(rows.hour),
        "propensity": pa.array(rows.propensity),
        "click": pa.array(outcomes.click.astype(np.int64)),
        "conversion": pa.array(outcomes.conversion.astype(np.int64)),
    }
    return pa.table(columns, schema=LOG_SCHEMA)


def truth_table(outcomes: Outcomes, first_id: int) -> pa.Table:
    """The truth of the same rows, `TRUTH_SCHEMA`; never part of the log."""
    click, conversion = outcomes.p_click, outcomes.p_conversion_given_click
    columns = {
        "impression_id": pa.array(np.arange(first_id, first_id + click.size)),
        "p_click": pa.array(click),
        "p_conversion_given_click": pa.array(conversion),
        "p_ctcvr": pa.array(click * conversion),
        "p_observed": pa.array(outcomes.p_observed),
        "would_convert": pa.array(outcomes.would_convert.astype(np.int64)),
        "conversion_delay_s": pa.array(outcomes.conversion_delay_s, mask=~outcomes.would_convert),
    }
    return pa.table(columns, schema=TRUTH_SCHEMA)


def _names(prefix: str, size: int) -> pa.Array:
    width = len(str(size - 1))
    return pa.array([f"{prefix}{index:0{width}d}" for index in range(size)])


def _interest_lists(declared: Bools) -> pa.Array:
    """One list of category names per user; null where nothing is declared."""
    lists = [
        [name for name, is_declared in zip(effects.CATEGORIES, row, strict=True) if is_declared]
        for row in declared.tolist()
    ]
    return pa.array([names or None for names in lists], type=_INTERESTS)


def _take(names: tuple[str, ...], indices: Ints, null: Bools | None = None) -> pa.Array:
    return pa.array(names).take(pa.array(indices, mask=null))
