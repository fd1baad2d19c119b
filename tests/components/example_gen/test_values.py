"""From Arrow types to the three kinds of a tf.Example."""

import datetime
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.components.example_gen.chunks import BadValue
from rankbeam.components.example_gen.spec import ColumnType
from rankbeam.components.example_gen.values import to_feature

_NOON = datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.timezone.utc)
_NOON_MICROSECONDS = 1_706_702_400_000_000
_DAY_MICROSECONDS = 1_706_659_200_000_000


def _feature(
    values: pa.Array, use: ColumnType | None = None, multivalent: bool = False
) -> tuple[pa.DataType, list[Any]]:
    feature = to_feature(values, use, multivalent)
    return feature.type.value_type, feature.to_pylist()


@pytest.mark.parametrize(
    ("stored", "kind", "values"),
    [
        (pa.array([True, False, None]), pa.int64(), [[1], [0], None]),
        (pa.array([0, -7, None], pa.int8()), pa.int64(), [[0], [-7], None]),
        (pa.array([0, 255, None], pa.uint8()), pa.int64(), [[0], [255], None]),
        (pa.array([2**63 - 1], pa.uint64()), pa.int64(), [[2**63 - 1]]),
        (pa.array([0.0, None, 1.5], pa.float32()), pa.float32(), [[0.0], None, [1.5]]),
        (pa.array([0.0, None, 0.1]), pa.float32(), [[0.0], None, [float(np.float32(0.1))]]),
        (pa.array([np.float16(1.5), None], pa.float16()), pa.float32(), [[1.5], None]),
        (pa.array([decimal.Decimal("1.25"), None]), pa.float32(), [[1.25], None]),
        (pa.array([float("nan"), float("inf")]), pa.float32(), [None, [float("inf")]]),
        (pa.array(["", "é", None]), pa.binary(), [[b""], ["é".encode()], None]),
        (pa.array(["a"], pa.large_string()), pa.binary(), [[b"a"]]),
        (pa.array([b"\xff\x00", None]), pa.binary(), [[b"\xff\x00"], None]),
        (pa.array([b"ab", None], pa.binary(2)), pa.binary(), [[b"ab"], None]),
        (pa.array(["a", None, "a"]).dictionary_encode(), pa.binary(), [[b"a"], None, [b"a"]]),
        (pa.array([5, None]).dictionary_encode(), pa.int64(), [[5], None]),
        (pa.array([_NOON], pa.timestamp("s", "UTC")), pa.int64(), [[_NOON_MICROSECONDS]]),
        (pa.array([1999, None], pa.timestamp("ns")), pa.int64(), [[1], None]),
        (pa.array([_NOON.date()], pa.date32()), pa.int64(), [[_DAY_MICROSECONDS]]),
        (pa.array([_NOON.date()], pa.date64()), pa.int64(), [[_DAY_MICROSECONDS]]),
        (pa.nulls(2), pa.int64(), [None, None]),
        (pa.array([], pa.string()), pa.binary(), []),
    ],
)
def test_scalars_keep_their_values(stored: pa.Array, kind: pa.DataType, values: list[Any]) -> None:
    assert _feature(stored) == (kind, values)


@pytest.mark.parametrize("type_of_list", [pa.list_(pa.string()), pa.large_list(pa.large_string())])
def test_lists_keep_order_and_emptiness_and_drop_nulls(type_of_list: pa.DataType) -> None:
    stored = pa.array([["b", "a", ""], None, [], ["c", None]], type_of_list)
    expected = [[b"b", b"a", b""], None, [], [b"c"]]
    assert _feature(stored, "string", multivalent=True) == (pa.binary(), expected)
    assert _feature(stored.slice(1, 3)) == (pa.binary(), expected[1:])


def test_lists_of_fixed_size_and_of_dictionaries_are_lists() -> None:
    fixed = pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2))
    assert _feature(fixed) == (pa.int64(), [[1, 2], None, [3, 4]])
    coded = pa.array([["a"], ["b", "a"]], pa.list_(pa.dictionary(pa.int8(), pa.string())))
    assert _feature(coded) == (pa.binary(), [[b"a"], [b"b", b"a"]])


def test_list_of_at_most_one_serves_as_single_value() -> None:
    assert _feature(pa.array([[0], None, []]), "int") == (pa.int64(), [[0], None, None])


def test_single_value_serves_as_list_of_one() -> None:
    stored = pa.array(["a", None])
    assert _feature(stored, "string", multivalent=True) == (pa.binary(), [[b"a"], None])


@pytest.mark.parametrize(
    ("stored", "use", "kind", "values"),
    [
        (["0", "1.5", "", " 2 ", "nan"], "float", pa.float32(), [[0.0], [1.5], None, [2.0], None]),
        (["0", "1", "", "2"], "int", pa.int64(), [[0], [1], None, [2]]),
        (["True", "false", "1.0", None], "int", pa.int64(), [[1], [0], [1], None]),
        ([1.0, 0.0, None], "int", pa.int64(), [[1], [0], None]),
        ([True, False], "int", pa.int64(), [[1], [0]]),
        ([3, None], "float", pa.int64(), [[3], None]),
        ([3, None], "string", pa.int64(), [[3], None]),
    ],
)
def test_use_parses_text_and_whole_floats(
    stored: list[Any], use: ColumnType, kind: pa.DataType, values: list[Any]
) -> None:
    assert _feature(pa.array(stored), use) == (kind, values)


@pytest.mark.parametrize(
    ("stored", "use", "rule", "row", "got"),
    [
        (pa.array(["0", "x"]), "float", "must hold numbers", 1, "x"),
        (pa.array(["0", "yes", "no"]), "int", "must hold integers", 1, "yes"),
        (pa.array(["1", "1.5"]), "int", "must hold integers", 1, 1.5),
        (pa.array([1.0, 1.0, 0.5]), "int", "must hold integers", 2, 0.5),
        (pa.array([b"1", b"\xff"]), "int", "must hold UTF-8 text", 1, b"\xff"),
        (pa.array([1.0, 1e300]), None, "must fit into a 32-bit float", 1, 1e300),
        (pa.array([1, 2**63], pa.uint64()), None, "must fit into 64 bits", 1, 2**63),
        (pa.array([[0], [1, 2]]), "int", "must hold one value per row", 1, [1, 2]),
    ],
)
def test_value_that_does_not_fit_is_named(
    stored: pa.Array, use: ColumnType | None, rule: str, row: int, got: object
) -> None:
    with pytest.raises(BadValue, match=rule) as caught:
        to_feature(stored, use, multivalent=False)
    assert (caught.value.row, caught.value.got) == (row, got)


def test_value_in_a_list_is_named_by_its_row() -> None:
    with pytest.raises(BadValue, match="must hold numbers") as caught:
        to_feature(pa.array([["1", "2"], [], ["3", "x"]]), "float", multivalent=True)
    assert (caught.value.row, caught.value.got) == (2, "x")


@pytest.mark.parametrize(
    ("stored", "use", "rule"),
    [
        (pa.array([{"a": 1}]), None, "must hold numbers, text, booleans, timestamps or lists"),
        (pa.array([[[1]]]), None, "must hold numbers, text, booleans, timestamps or lists"),
        (pa.array([1], pa.duration("s")), None, "must hold numbers, text, booleans"),
        (pa.array([1], pa.time64("us")), None, "must hold numbers, text, booleans"),
        (pa.array([1.5]), "string", "is looked up by value, so it must hold text or integers"),
    ],
)
def test_type_that_does_not_fit_is_named(
    stored: pa.Array, use: ColumnType | None, rule: str
) -> None:
    with pytest.raises(BadValue, match=rule) as caught:
        to_feature(stored, use, multivalent=False)
    assert caught.value.row is None
