"""Grouping a batch's rows by slice, against TFMA's own row-by-row slicer."""

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_model_analysis.slicer import slice_accessor, slicer_lib

from rankbeam.components.evaluator.arrow_columns import label_column, slice_column
from rankbeam.components.evaluator.slices import SliceKey, group_rows
from rankbeam.transform.errors import DataError

BATCH = pa.RecordBatch.from_pydict(
    {
        "device": [[b"mobile"], [b"desktop"], [b"mobile"], None, []],
        "topics": [[b"a", b"b"], [b"b"], [b"b", b"b"], [b"a"], None],
        "age": [[30], [4], [30], [30], [4]],
        "click": [[1], [0], [0], [1], [1]],
    },
    schema=pa.schema(
        [
            ("device", pa.list_(pa.binary())),
            ("topics", pa.large_list(pa.large_binary())),
            ("age", pa.list_(pa.int64())),
            ("click", pa.list_(pa.int64())),
        ]
    ),
)


def slices(
    crosses: list[tuple[str, ...]], batch: pa.RecordBatch = BATCH
) -> dict[SliceKey, list[int]]:
    columns = {name: slice_column(batch, name) for cross in crosses for name in cross}
    found = list(group_rows(columns, crosses, batch.num_rows))
    assert len({key for key, _ in found}) == len(found)
    return {key: rows.tolist() for key, rows in found}


def by_tfma(crosses: list[tuple[str, ...]], batch: pa.RecordBatch) -> dict[SliceKey, list[int]]:
    specs = [slicer_lib.SingleSliceSpec(columns=cross) for cross in crosses]
    expected: dict[SliceKey, list[int]] = {}
    for row, values in enumerate(batch.to_pylist()):
        features = {k: np.array(v, object) for k, v in values.items() if v}
        accessor = slice_accessor.SliceAccessor([features])
        for key in {key for spec in specs for key in spec.generate_slices(accessor)}:
            expected.setdefault(key, []).append(row)
    return expected


def test_slices_by_hand() -> None:
    assert slices([(), ("device",), ("topics", "device")]) == {
        (): [0, 1, 2, 3, 4],
        (("device", "desktop"),): [1],
        (("device", "mobile"),): [0, 2],
        (("device", "desktop"), ("topics", "b")): [1],
        (("device", "mobile"), ("topics", "a")): [0],
        (("device", "mobile"), ("topics", "b")): [0, 2],
    }


@pytest.mark.parametrize(
    "crosses",
    [[()], [("device",)], [("age", "device")], [("topics", "age", "device")], [("topics",), ()]],
)
def test_slices_equal_those_of_tfma(crosses: list[tuple[str, ...]]) -> None:
    assert slices(crosses) == by_tfma(crosses, BATCH)


def test_slices_of_random_columns_equal_those_of_tfma() -> None:
    generator = np.random.default_rng(4)
    columns = {
        name: [list(generator.integers(0, 3, generator.integers(0, 4))) for _ in range(60)]
        for name in ("a", "b", "c")
    }
    kind = pa.list_(pa.int64())
    batch = pa.RecordBatch.from_pydict(columns, pa.schema([(name, kind) for name in columns]))
    crosses: list[tuple[str, ...]] = [(), ("a",), ("b", "c"), ("c", "a", "b")]
    assert slices(crosses, batch) == by_tfma(crosses, batch)


def test_slices_of_an_absent_column_are_none() -> None:
    assert slices([("nowhere",), ("nowhere", "device")]) == {}
    nulls = pa.RecordBatch.from_pydict({"empty": pa.nulls(2)})
    assert slices([("empty",)], nulls) == {}


def test_slice_values_of_float32_are_their_shortest_decimals() -> None:
    prices = pa.array([[0.1], [2.5]], pa.list_(pa.float32()))
    column = slice_column(pa.RecordBatch.from_pydict({"price": prices}), "price")
    assert list(column.values) == [0.1, 2.5]


def test_slice_values_must_be_text() -> None:
    names = pa.array([[b"\xff"]], pa.list_(pa.binary()))
    with pytest.raises(DataError, match=r"slice column name must be UTF-8 text; got b'\\xff'"):
        slice_column(pa.RecordBatch.from_pydict({"name": names}), "name")


def test_label_column_reads_integers_and_floats() -> None:
    assert label_column(BATCH, "click").tolist() == [1, 0, 0, 1, 1]
    floats = pa.array([[0.0], [1.0]], pa.list_(pa.float32()))
    assert label_column(pa.RecordBatch.from_pydict({"y": floats}), "y").tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("other", [[1], [0]], r"label y must have one value.*got 2 of 2 rows"),
        ("y", [[1], None], r"label y must have one value.*got 1 of 2 rows"),
        ("y", [[1], [0, 1]], r"label y must have one value.*got 1 of 2 rows"),
        ("y", [[1], [2]], r"label y must be 0 or 1 in every row; got 2"),
        ("y", [["yes"], ["no"]], r"label y must be a number; got string"),
    ],
)
def test_label_column_refuses_what_is_no_outcome(
    name: str, values: list[object], message: str
) -> None:
    batch = pa.RecordBatch.from_pydict({name: values})
    with pytest.raises(DataError, match=message):
        label_column(batch, "y")
