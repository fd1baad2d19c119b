"""What the log's columns look like: schema, nulls, time, vocabularies, popularity, cold start."""

from pathlib import Path

import numpy as np
import pytest

from rankbeam.simulator import effects
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.tables import LOG_SCHEMA, TRUTH_SCHEMA
from rankbeam.simulator.world import build_world
from tests.simulator.marketplaces import Simulated, run

_NULLABLE = ("browser", "connection", "user_age_days", "interests")
_MANUAL = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"


def test_columns_schema(default_log: Simulated) -> None:
    assert default_log.log.schema == LOG_SCHEMA
    assert default_log.truth.schema == TRUTH_SCHEMA
    assert default_log.log.num_rows == default_log.truth.num_rows == 300_000


def test_columns_truth_stays_out_of_the_log() -> None:
    assert set(LOG_SCHEMA.names) & set(TRUTH_SCHEMA.names) == {"impression_id"}


def test_columns_manual_lists_every_column() -> None:
    rows = [line.split("|") for line in _MANUAL.read_text("utf-8").splitlines()]
    first = [cells[1].strip().strip("`") for cells in rows if len(cells) > 3]
    assert [name for name in first if name in LOG_SCHEMA.names][: len(LOG_SCHEMA)] == (
        LOG_SCHEMA.names
    )
    assert [name for name in first if name in TRUTH_SCHEMA.names][-len(TRUTH_SCHEMA) :] == (
        TRUTH_SCHEMA.names
    )


def test_columns_ids_number_the_rows(default_log: Simulated) -> None:
    ids = np.arange(300_000)
    np.testing.assert_array_equal(default_log.column("impression_id"), ids)
    np.testing.assert_array_equal(default_log.truth.column("impression_id").to_numpy(), ids)


def test_columns_nulls_only_where_declared(default_log: Simulated) -> None:
    with_nulls = {name for name in LOG_SCHEMA.names if default_log.log.column(name).null_count}
    assert with_nulls == set(_NULLABLE)


@pytest.mark.parametrize("name", ["browser", "connection", "user_age_days"])
def test_columns_null_fraction(default_log: Simulated, name: str) -> None:
    rows = default_log.log.num_rows
    share = default_log.log.column(name).null_count / rows
    # Five standard errors of a binomial share: wrong with probability 6e-7.
    assert abs(share - 0.05) < 5 * np.sqrt(0.05 * 0.95 / rows)


def test_columns_interests_are_null_by_user(default_log: Simulated) -> None:
    users, interests = default_log.names("user_id"), default_log.log.column("interests")
    is_null = interests.is_null().to_numpy()
    without, with_some = set(users[is_null]), set(users[~is_null])
    assert not without & with_some
    # 2,000 users: five standard errors are 0.024.
    assert abs(len(without) / 2_000 - 0.05) < 0.024


def test_columns_no_nulls_when_the_fraction_is_zero() -> None:
    log = run(MarketplaceSpec(impressions=20_000, null_fraction=0.0)).log
    assert all(log.column(name).null_count == 0 for name in log.column_names)


def test_columns_time_is_sorted_and_consistent(default_log: Simulated) -> None:
    spec, timestamp = default_log.spec, default_log.column("timestamp")
    assert np.all(np.diff(timestamp) >= 0)
    assert spec.start_timestamp <= timestamp[0]
    assert timestamp[-1] < spec.end_timestamp
    elapsed = timestamp - spec.start_timestamp
    np.testing.assert_array_equal(default_log.column("day"), elapsed // 86_400)
    np.testing.assert_array_equal(default_log.column("hour"), elapsed // 3_600 % 24)
    per_day = np.bincount(default_log.column("day").astype(int))
    assert per_day.size == spec.days
    assert np.ptp(per_day) <= 2


def test_columns_traffic_follows_the_hours(default_log: Simulated) -> None:
    share = np.bincount(default_log.column("hour").astype(int), minlength=24) / 300_000
    expected = effects.HOUR_SHARE / effects.HOUR_SHARE.sum()
    # Stratified draws: a count is off by less than one row per edge, day and side.
    np.testing.assert_allclose(share, expected, atol=2 * 14 / 300_000)


@pytest.mark.parametrize(
    ("name", "vocabulary"),
    [
        ("category", effects.CATEGORIES),
        ("device", effects.DEVICES),
        ("browser", effects.BROWSERS),
        ("country", effects.COUNTRIES),
        ("placement", effects.PLACEMENTS),
        ("connection", effects.CONNECTIONS),
    ],
)
def test_columns_vocabularies_are_closed_and_used(
    default_log: Simulated, name: str, vocabulary: tuple[str, ...]
) -> None:
    assert set(default_log.names(name)) - {None} == set(vocabulary)


def test_columns_impossible_pairs_do_not_occur(default_log: Simulated) -> None:
    desktop = default_log.names("device") == "desktop"
    assert not np.any(default_log.names("browser")[desktop] == "samsung_internet")
    assert not np.any(default_log.names("connection")[~desktop] == "wired")


def test_columns_interests_hold_one_to_four_categories(default_log: Simulated) -> None:
    lists = default_log.log.column("interests").drop_null()
    lengths = lists.combine_chunks().value_lengths().to_numpy()
    assert set(np.unique(lengths)) == {1, 2, 3, 4}
    assert set(lists.combine_chunks().flatten().to_pylist()) == set(effects.CATEGORIES)


def test_columns_numbers_are_in_range(default_log: Simulated) -> None:
    assert default_log.column("price").min() > 0
    assert default_log.column("payout").min() > 0
    assert np.all(default_log.column("payout") <= 0.2 * default_log.column("price") + 0.01)
    assert default_log.column("offer_age_days").min() == 0
    assert np.nanmin(default_log.column("user_age_days")) >= 0
    assert set(default_log.column("position")) == set(range(1, 9))
    assert np.all(default_log.column("propensity") > 0)


def test_columns_attributes_belong_to_their_ids(default_log: Simulated) -> None:
    for owner, names in {
        "offer_id": ["partner_id", "category", "price", "payout"],
        "user_id": ["country"],
    }.items():
        owned = default_log.log.select([owner, *names]).group_by(owner)
        counts = owned.aggregate([(name, "count_distinct") for name in names])
        for name in names:
            assert set(counts.column(f"{name}_count_distinct").to_pylist()) == {1}, name


def test_columns_user_activity_is_a_power_law() -> None:
    log = run(MarketplaceSpec(impressions=200_000, users=200, user_exponent=0.9)).log
    counts = np.sort(log.column("user_id").value_counts().field("counts").to_numpy())[::-1]
    ranks = np.arange(1, 101)
    slope = np.polyfit(np.log(ranks), np.log(counts[:100]), 1)[0]
    # Ordering the observed counts biases the slope by less than 0.01 at 400 rows per user.
    assert slope == pytest.approx(-0.9, abs=0.03)


def test_columns_offer_popularity_is_a_power_law() -> None:
    popularity = np.sort(build_world(MarketplaceSpec(offer_exponent=0.8)).offers.popularity)[::-1]
    ranks = np.arange(1, popularity.size + 1)
    np.testing.assert_allclose(popularity / popularity[0], 1.0 / ranks**0.8, rtol=1e-12)


def test_columns_few_offers_get_most_impressions(default_log: Simulated) -> None:
    counts = default_log.log.column("offer_id").value_counts().field("counts").to_numpy()
    top_tenth = np.sort(counts)[::-1][: counts.size // 10]
    assert top_tenth.sum() / counts.sum() > 0.3


def test_columns_new_offers_appear_every_day(default_log: Simulated) -> None:
    first_day = default_log.log.group_by("offer_id").aggregate([("day", "min")])
    born = np.bincount(first_day.column("day_min").to_numpy(), minlength=14)
    # Every offer gets at least epsilon / n of about 21,400 impressions a day, that is 8.
    assert born[0] == pytest.approx(400, abs=3)
    np.testing.assert_allclose(born[1:], 10, atol=3)
    assert born.sum() == default_log.spec.all_offers


def test_columns_offer_age_counts_days_since_birth(default_log: Simulated) -> None:
    born = default_log.column("day") - default_log.column("offer_age_days")
    _, offer = np.unique(default_log.names("offer_id").astype(str), return_inverse=True)
    low, high = np.full(offer.max() + 1, np.inf), np.full(offer.max() + 1, -np.inf)
    np.minimum.at(low, offer, born)
    np.maximum.at(high, offer, born)
    np.testing.assert_array_equal(low, high)
    assert np.sum(low > 0) == 13 * 10
    assert low.min() >= -60
