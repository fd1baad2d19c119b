"""What single columns become, and how the split is chosen."""

import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.pipeline.init.columns import Column, columns_of
from rankbeam.pipeline.init.features import decide
from rankbeam.pipeline.init.names import identifier, is_user, pipeline_name, tokens
from rankbeam.pipeline.init.splits import choose_split

RNG = np.random.default_rng(5)
ROWS = 2000


def column(name: str, values: Any) -> Column:
    array = values if isinstance(values, pa.Array) else pa.array(values)
    [only] = columns_of(pa.table({name: array}))
    return only


@pytest.mark.parametrize(
    ("name", "values", "settings"),
    [
        ("device", RNG.choice(["a", "b"], ROWS), {"kind": "categorical"}),
        ("flag", RNG.random(ROWS) < 0.5, {"kind": "categorical"}),
        ("position", RNG.integers(0, 20, ROWS), {"kind": "categorical"}),
        ("rooms", RNG.integers(0, 8, ROWS), {"kind": "categorical"}),
        ("click_count", RNG.integers(0, 8, ROWS), {"kind": "numeric", "scaling": "z_score"}),
        ("age", RNG.integers(18, 90, ROWS), {"kind": "numeric", "scaling": "z_score"}),
        ("score", RNG.normal(size=ROWS), {"kind": "numeric", "scaling": "z_score"}),
        ("price", RNG.lognormal(2, 1.5, ROWS), {"kind": "numeric", "scaling": "log"}),
        ("profit", -RNG.lognormal(2, 1.5, ROWS), {"kind": "numeric", "scaling": "z_score"}),
        (
            "item",
            [f"i{n}" for n in RNG.integers(0, 900, ROWS)],
            {"kind": "id", "vocabulary_size": 1000, "frequency_threshold": 2},
        ),
        (
            "item_id",
            RNG.integers(0, 400, ROWS),
            {"kind": "id", "vocabulary_size": 500, "frequency_threshold": 2},
        ),
        (
            "tags",
            [["a", "b"][: i % 3] for i in range(ROWS)],
            {"kind": "multivalent", "max_values": 2},
        ),
    ],
)
def test_columns_become_features(name: str, values: Any, settings: dict[str, object]) -> None:
    assert decide(column(name, values), complete=True).settings == settings


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("", RNG.integers(0, 5, ROWS), "has no name"),
        ("x", pa.nulls(ROWS), "has no value in the rows looked at"),
        ("x", pa.array([None] * ROWS, pa.float64()), "has no value in the rows looked at"),
        ("x", [[]] * ROWS, "has no value in the rows looked at"),
        ("x", pa.array([{"a": None}] * ROWS), "is of type struct<a: null>"),
        ("x", [1.5] * ROWS, "is constant: 1.5"),
        ("x", [["a"]] * ROWS, "is constant"),
        ("x", [f"r{i}" for i in range(ROWS)], "is unique per row"),
        ("row_id", RNG.permutation(ROWS), "is unique per row"),
        ("x", np.arange(ROWS), "is unique per row"),
        ("x", [[0.5, float(i)] for i in range(ROWS)], "is a list of double"),
        ("x", [{"a": 1}] * ROWS, "is of type struct<a: int64>"),
        (
            "x",
            [f"a long sentence about the offer, number {i % 900}" for i in range(ROWS)],
            "is free text",
        ),
        (
            "x",
            [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=i % 9) for i in range(ROWS)],
            "is a point in time",
        ),
    ],
)
def test_columns_are_left_out_with_a_reason(name: str, values: Any, reason: str) -> None:
    decision = decide(column(name, values), complete=True)
    assert not decision.is_feature
    assert decision.reason.startswith(reason)


def test_columns_of_unique_measurements_are_numbers() -> None:
    weights = RNG.permutation(100_000)[:ROWS]
    assert decide(column("weight_g", weights), complete=True).settings["kind"] == "numeric"


def test_columns_with_missing_values_say_so() -> None:
    values = np.where(RNG.random(ROWS) < 0.25, np.nan, RNG.normal(size=ROWS))
    decision = decide(column("x", values), complete=True)
    assert decision.settings["missing_indicator"] is True
    share = 100 * np.isnan(values).mean()
    assert f"missing in {share:.1f} % of rows" in decision.reason


def test_columns_of_a_partial_sample_get_room_to_grow() -> None:
    values = [f"i{n}" for n in range(400)] * 5
    assert decide(column("item", values), complete=False).settings["vocabulary_size"] == 5000


def test_columns_may_be_dictionaries_or_bytes() -> None:
    texts = pa.array(["a", "b"] * 50)
    assert column("x", texts.dictionary_encode()).kind == "text"
    assert column("x", texts.cast(pa.binary())).kind == "text"
    assert column("x", pa.array([b"\xff", b"\xfe"])).kind == "other"


def test_columns_of_other_numbers_are_numbers() -> None:
    prices = [decimal.Decimal(f"{i}.50") for i in range(30)]
    assert column("x", pa.array(prices)).numbers[3] == 3.5
    halves = column("x", pa.array(np.arange(30, dtype=np.float16)))
    assert (halves.kind, halves.numbers[3]) == ("float", 3.0)


USERS = [f"u{n}" for n in RNG.integers(0, 200, ROWS)]
TIMES = 1_700_000_000 + np.sort(RNG.integers(0, 10_000, ROWS))


@pytest.mark.parametrize(
    ("values", "kind", "chosen"),
    [
        ({"user_id": USERS}, "entity_hash", "user_id"),
        ({"user_id": USERS, "ts": TIMES}, "time", "ts"),
        ({"event_time": RNG.permutation(TIMES), "x": USERS}, "time", "event_time"),
        ({"day": np.arange(ROWS) // 200, "timestamp": TIMES}, "time", "timestamp"),
        ({"day": np.arange(ROWS) // 200}, "time", "day"),
        ({"day": RNG.integers(1, 32, ROWS), "user": USERS}, "entity_hash", "user"),
        ({"time_on_site": RNG.integers(0, 900, ROWS)}, "row_hash", None),
        ({"birth_date": TIMES[::-1], "visitorId": USERS}, "entity_hash", "visitorId"),
        ({"user_age": RNG.integers(18, 90, ROWS)}, "row_hash", None),
        ({"user_id": [f"u{n}" for n in range(ROWS)]}, "row_hash", None),
        ({"user_id": ["a", "b"] * (ROWS // 2)}, "row_hash", None),
    ],
)
def test_split_follows_from_the_columns(
    values: dict[str, Any], kind: str, chosen: str | None
) -> None:
    choice = choose_split(columns_of(pa.table(values)), None)
    assert choice.settings["kind"] == kind
    assert choice.settings.get("column") == chosen


def test_split_spends_every_column_that_tells_the_time() -> None:
    table = pa.table({"day": np.arange(ROWS) // 200, "timestamp": TIMES, "user_id": USERS})
    assert set(choose_split(columns_of(table), None).spent) == {"day", "timestamp"}
    assert set(choose_split(columns_of(table), ("train", "eval")).spent) == {"day", "timestamp"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("userId", {"user", "id"}),
        ("USER_ID", {"user", "id"}),
        ("user-item affinity.0", {"user", "item", "affinity", "0"}),
        ("", set()),
    ],
)
def test_names_fall_into_words(name: str, words: set[str]) -> None:
    assert tokens(name) == words


def test_names_of_users_are_not_names_of_their_properties() -> None:
    assert is_user("user_id")
    assert is_user("visitor")
    assert not is_user("user_age")
    assert not is_user("item_id")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Shop 2024", "shop_2024"), ("2024", "pipeline_2024"), ("é", "pipeline"), ("a-b", "a_b")],
)
def test_names_of_pipelines_are_accepted_by_the_config(text: str, expected: str) -> None:
    assert pipeline_name(text) == expected


def test_names_of_features_are_unique() -> None:
    assert identifier("a b", {"a_b", "a_b_2"}) == "a_b_3"
    assert identifier("", set()) == "column"
