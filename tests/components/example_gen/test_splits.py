"""Splits, against definitions applied row by row."""

import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.components.example_gen.chunks import Chunk
from rankbeam.components.example_gen.spec import EntityHashSplit, RowHashSplit, TimeSplit
from rankbeam.components.example_gen.splits import make_splitter
from rankbeam.transform.errors import ConfigError, DataError
from tests.reference import splits as reference

_ISO = ["2024-01-01T00:00:00+00:00", "2024-01-01T02:00:00+01:00", "2024-01-02", "2024-01-03 12:00"]


def _chunks(columns: list[pa.Array]) -> list[Chunk]:
    """One chunk for each array, in a file of its own."""
    starts = np.cumsum([0, *(len(column) for column in columns)])
    return [
        Chunk(pa.RecordBatch.from_arrays([column], ["c"]), f"f{place}", 0, int(start))
        for place, (column, start) in enumerate(zip(columns, starts, strict=False))
    ]


def _is_eval(split: EntityHashSplit | RowHashSplit | TimeSplit, *columns: Any) -> list[bool]:
    chunks = _chunks([pa.array(c) if isinstance(c, list) else c for c in columns])

    def rows(names: tuple[str, ...]) -> Iterator[Chunk]:
        assert names == ("c",)
        return iter(chunks)

    splitter = make_splitter(split, rows)
    return [bool(flag) for chunk in chunks for flag in splitter.is_eval(chunk)]


def _entity(**options: Any) -> EntityHashSplit:
    return EntityHashSplit(kind="entity_hash", column="c", **options)


def _time(**options: Any) -> TimeSplit:
    return TimeSplit(kind="time", column="c", **options)


@pytest.mark.parametrize(("modulus", "remainder"), [(5, 0), (5, 3), (2, 1), (97, 11)])
def test_row_hash_counts_rows_over_all_files(modulus: int, remainder: int) -> None:
    split = RowHashSplit(kind="row_hash", modulus=modulus, eval_remainder=remainder)
    expected = [reference.row_hash_is_eval(row, modulus, remainder) for row in range(300)]
    assert _is_eval(split, [0] * 123, [0] * 177) == expected


def test_row_hash_by_hand() -> None:
    # CRC-32 of "123456789" is the check value of the standard; of "0" it is 0xF4DBDF21.
    assert reference.crc32(b"123456789") == 0xCBF43926
    assert reference.crc32(b"0") == 0xF4DBDF21
    # 0xF4DBDF21 = 4,108,050,209, which leaves 4 by 5.
    assert _is_eval(RowHashSplit(kind="row_hash", eval_remainder=4), [0]) == [True]


@pytest.mark.parametrize("salt", ["", "v2"])
@pytest.mark.parametrize("fraction", [0.01, 0.2, 0.5, 0.999])
def test_entity_hash_of_text_follows_the_definition(salt: str, fraction: float) -> None:
    names = [f"user_{number % 250}é" for number in range(500)]
    expected = [reference.entity_is_eval(name, salt, fraction) for name in names]
    assert (
        _is_eval(_entity(salt=salt, eval_fraction=fraction), names[:300], names[300:]) == expected
    )


def test_entity_hash_reads_integers_in_decimal() -> None:
    numbers = [-1, 0, 1, 1_000_000, 2**62]
    texts = [str(number) for number in numbers]
    assert _is_eval(_entity(eval_fraction=0.5), numbers) == _is_eval(
        _entity(eval_fraction=0.5), texts
    )


def test_entity_hash_is_near_its_fraction_and_salts_are_independent() -> None:
    names = [str(number) for number in range(20_000)]
    first = np.array(_is_eval(_entity(eval_fraction=0.2), names))
    second = np.array(_is_eval(_entity(eval_fraction=0.2, salt="other"), names))
    # Four standard deviations of a binomial share of 20,000: 4 sqrt(p (1 - p) / n).
    assert abs(first.mean() - 0.2) < 4 * (0.2 * 0.8 / 20_000) ** 0.5
    assert abs((first & second).mean() - 0.04) < 4 * (0.04 * 0.96 / 20_000) ** 0.5


def test_entity_hash_keeps_missing_entities_together() -> None:
    flags = _is_eval(_entity(eval_fraction=0.5), ["a", None, "b", None], [None])
    assert flags[1] == flags[3] == flags[4]


def test_entity_hash_refuses_floats() -> None:
    with pytest.raises(DataError, match=r"f0: column 'c' splits by entity.*got double"):
        _is_eval(_entity(), [1.5])


@pytest.mark.parametrize(
    ("column", "boundary", "expected"),
    [
        ([1, 2, 3, 2], 2, [False, True, True, True]),
        ([1.0, 2.5, 2.4], 2.5, [False, True, False]),
        (["1", "10", "9"], 9, [False, True, True]),
        (_ISO, "2024-01-01T01:00:00", [False, True, True, True]),
        (_ISO, "2024-01-02T00:00:00Z", [False, False, True, True]),
        (pa.array([0, 10**6], pa.timestamp("us")), "1970-01-01T00:00:01", [False, True]),
        (pa.array([0, 1], pa.timestamp("s", "UTC")), "1970-01-01T00:00:01Z", [False, True]),
        (pa.array([0, 1], pa.date32()), "1970-01-02", [False, True]),
        (pa.array([[0], [1]]), 1, [False, True]),
    ],
)
def test_time_boundary_is_the_first_moment_of_eval(
    column: Any, boundary: float | str, expected: list[bool]
) -> None:
    assert _is_eval(_time(boundary=boundary), column) == expected


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5, 0.9])
def test_time_fraction_takes_the_nearest_boundary(fraction: float) -> None:
    generator = np.random.default_rng(0)
    for distinct in (2, 7, 1000):
        moments = [0, 1, *generator.integers(0, distinct, 298).tolist()]
        boundary = reference.nearest_boundary(moments, fraction)
        flags = _is_eval(_time(eval_fraction=fraction), moments[:100], moments[100:])
        assert flags == [moment >= boundary for moment in moments]
        assert 0 < sum(flags) < len(flags)


def test_time_fraction_by_hand() -> None:
    # 20 % of 10 rows are 2. From 9 on there is 1 row, from 8 on there are 4: 1 is nearer.
    moments = [0, 1, 2, 3, 4, 5, 8, 8, 8, 9]
    assert _is_eval(_time(eval_fraction=0.2), moments) == [False] * 9 + [True]
    # 30 % are 3: 4 is nearer than 1, and the eights stay together.
    assert _is_eval(_time(eval_fraction=0.3), moments) == [False] * 6 + [True] * 4


def test_time_fraction_of_large_integers_is_exact() -> None:
    nanoseconds = 1_700_000_000_000_000_000
    moments = [nanoseconds, nanoseconds + 1, nanoseconds + 2, nanoseconds + 3]
    assert _is_eval(_time(eval_fraction=0.25), moments) == [False, False, False, True]


def test_time_of_mixed_forms_is_compared_in_utc() -> None:
    texts = [datetime.datetime(2024, 1, day).isoformat() for day in range(1, 11)]
    zoned = [f"{text}+00:00" for text in texts]
    assert _is_eval(_time(eval_fraction=0.3), texts[:5], zoned[5:]) == [False] * 7 + [True] * 3


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        (([1, None],), "f0 row 2: column 'c' splits by time, so every row must have one; got None"),
        (([1.0], [2.0, float("nan")]), "f1 row 2: .* every row must have one; got nan"),
        ((["2024-01-01", "soon"],), "f0 row 2: column 'c' must hold numbers or ISO 8601 times"),
        (
            (["1", "2"], ["2024-01-01"]),
            "f1 row 1: .* must hold either numbers or times throughout; got '2024-01-01'",
        ),
        (([5, 5, 5],), "must hold at least two different times to split by; got only 5"),
        (([{"a": 1}],), "f0: column 'c' must hold numbers, text"),
    ],
)
def test_time_that_cannot_split_is_named(columns: tuple[Any, ...], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        _is_eval(_time(eval_fraction=0.5), *columns)


@pytest.mark.parametrize(
    ("column", "boundary", "rule"),
    [
        ([1, 2], "2024-01-01", "must be a number, as the column is; got '2024-01-01'"),
        (["2024-01-01"], 5, "must be an ISO 8601 time, .*; got 5"),
        (["2024-01-01"], "noon", "must be an ISO 8601 time, .*; got 'noon'"),
    ],
)
def test_time_boundary_that_does_not_fit_is_named(
    column: list[Any], boundary: float | str, rule: str
) -> None:
    with pytest.raises(ConfigError, match=rule):
        _is_eval(_time(boundary=boundary), column)
