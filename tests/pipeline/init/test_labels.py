"""Which columns are taken for outcomes, which funnel they form, and what leaks them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.pipeline.init.columns import Column, columns_of
from rankbeam.pipeline.init.labels import Label, find_labels
from rankbeam.pipeline.init.leaks import leak
from rankbeam.transform.errors import DataError


def columns(**values: Any) -> list[Column]:
    return columns_of(pa.table({name: pa.array(each) for name, each in values.items()}))


def found(**values: Any) -> list[Label]:
    return find_labels(columns(**values))


def outcome(rows: int, happened: Sequence[int]) -> list[int]:
    """0/1 with a 1 in the given rows."""
    values = [0] * rows
    for row in happened:
        values[row] = 1
    return values


BITS = [0, 1] * 50


@pytest.mark.parametrize(
    "name", ["click", "is_click", "userClicked", "Purchase", "conversion", "label", "y", "VISIT"]
)
def test_labels_are_columns_of_bits_with_telling_names(name: str) -> None:
    [label] = found(other=BITS, **{name: BITS}, device=["a", "b"] * 50)
    assert label.column == name
    assert not label.guessed
    assert label.positives == 50


@pytest.mark.parametrize(
    "name", ["past_clicks", "click_count", "n_purchases", "last_visit", "mens"]
)
def test_labels_are_not_what_only_sounds_like_an_outcome(name: str) -> None:
    [label] = found(**{name: [1, 0] * 50}, click=BITS)
    assert label.column == "click"


@pytest.mark.parametrize(
    "values",
    [[0.0, 1.0] * 50, [False, True] * 50, np.array([0, 1] * 50, np.int8)],
)
def test_labels_may_be_floats_and_booleans(values: Any) -> None:
    assert found(click=values)[0].positives == 50


@pytest.mark.parametrize("values", [[0, 1, None, 1] * 25, [0, 1, 2, 1] * 25, [0] * 100])
def test_labels_hold_0_and_1_in_every_row(values: Any) -> None:
    assert [label.column for label in found(click=values, visit=BITS)] == ["visit"]


def test_labels_form_a_funnel_where_they_are_nested() -> None:
    click, cart, buy = range(100), range(0, 100, 2), range(0, 100, 4)
    labels = found(buy=outcome(1000, buy), click=outcome(1000, click), cart=outcome(1000, cart))
    assert [(label.task, label.given) for label in labels] == [
        ("click", None),
        ("cart", "click"),
        ("buy", "cart"),
    ]


def test_labels_form_no_funnel_where_one_row_speaks_against_it() -> None:
    labels = found(click=outcome(1000, range(100)), buy=outcome(1000, [*range(30), 500]))
    assert [label.given for label in labels] == [None, None]


def test_labels_form_no_funnel_by_chance() -> None:
    # Two likes among rows half of which are clicks: nested in one case out of four.
    labels = found(click=outcome(100, range(50)), like=outcome(100, [3, 4]))
    assert [label.given for label in labels] == [None, None]


def test_labels_that_are_equal_form_no_circle() -> None:
    labels = found(click=outcome(1000, range(100)), visit=outcome(1000, range(100)))
    assert [label.given for label in labels] == [None, None]


def test_labels_are_derived_from_two_texts_with_a_telling_name() -> None:
    [label] = found(device=["a", "b"] * 50, response=["no", "no", "no", "yes"] * 25, x=BITS)
    assert (label.source, label.is_in, label.task) == ("response", ("yes",), "response")
    assert label.positives == 25
    assert not label.guessed


def test_labels_take_yes_for_1_however_frequent() -> None:
    [label] = found(response=["yes", "yes", "yes", "no"] * 25)
    assert label.is_in == ("yes",)


def test_labels_are_guessed_from_the_last_column() -> None:
    [label] = found(sex=["f", "m"] * 50, income=["low", "low", "low", "high"] * 25)
    assert (label.source, label.is_in, label.guessed) == ("income", ("high",), True)
    [label] = found(sex=["f", "m"] * 50, bit=BITS)
    assert (label.column, label.source, label.guessed) == ("bit", None, True)


def test_labels_are_missed_by_name() -> None:
    message = (
        r"must have a label: .*; got columns a, click, c, of which hold only 0 and 1: a; "
        r"click is constant"
    )
    with pytest.raises(DataError, match=message):
        found(a=BITS, click=[0] * 100, c=list(range(100)))


CLICKS = outcome(1000, range(0, 1000, 10))


def leak_of(values: Any, name: str = "x", label: Sequence[int] = CLICKS) -> str | None:
    columns_ = columns(**{name: values, "click": label})
    return leak(columns_[0], find_labels(columns_))


def test_leaks_are_numbers_that_are_non_zero_only_with_the_outcome() -> None:
    spend = [2.5 if bit else 0.0 for bit in CLICKS]
    assert leak_of(spend) == "leaks the outcome: non-zero only where click is 1"
    assert leak_of([None if value == 0 else value for value in spend]) is not None
    assert leak_of([1.0, *spend[1:]]) is not None  # row 0 is a click
    assert leak_of([spend[0], 1.0, *spend[2:]]) is None  # row 1 is none


def test_leaks_are_values_that_are_there_only_with_the_outcome() -> None:
    page = ["thanks" if bit else None for bit in CLICKS]
    assert leak_of(page) == "leaks the outcome: there only where click is 1"


def test_leaks_are_values_that_decide_the_outcome() -> None:
    state = ["paid" if bit else ["seen", "left"][i % 2] for i, bit in enumerate(CLICKS)]
    assert leak_of(state) == "leaks the outcome: each of its values decides click"


def test_leaks_name_the_rarest_outcome() -> None:
    buys = outcome(1000, range(0, 1000, 20))
    table = columns(spend=[3.0 * bit for bit in buys], click=CLICKS, buy=buys)
    assert leak(table[0], find_labels(table)) == ("leaks the outcome: non-zero only where buy is 1")


def test_leaks_are_no_coincidences() -> None:
    # Three clicks in ten: non-zero in two rows that both are clicks says nothing.
    clicks = outcome(1000, range(300))
    rare = outcome(1000, [1, 2])
    assert leak_of(rare, label=clicks) is None


@pytest.mark.parametrize("name", ["propensity", "propensity_score", "action_prob", "pscore"])
def test_leaks_are_logged_propensities(name: str) -> None:
    assert "logging policy" in str(leak_of([0.1, 0.2] * 500, name))


def test_leaks_spare_ordinary_columns() -> None:
    rng = np.random.default_rng(0)
    assert leak_of(rng.random(1000)) is None
    assert leak_of(rng.integers(0, 2, size=1000)) is None
    assert leak_of(rng.choice(["a", "b"], size=1000)) is None
