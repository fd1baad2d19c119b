"""Lists of values per row, taken apart and put together."""

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.components.example_gen import lists


def test_gather_is_the_inverse_of_flat() -> None:
    generator = np.random.default_rng(0)
    rows = [
        None if generator.random() < 0.2 else list(range(generator.integers(0, 4)))
        for _ in range(100)
    ]
    stored = pa.array(rows, pa.list_(pa.int64()))
    for part in (stored, stored.slice(7, 50)):
        elements, owners = lists.flat(part)
        gathered = lists.gather(elements, owners, lists.validity(part))
        assert gathered.to_pylist() == part.to_pylist()


def test_only_takes_the_one_value_of_each_row() -> None:
    stored = pa.array([["a"], [], None, [None], ["b"]])
    assert lists.only(stored).to_pylist() == ["a", None, None, None, "b"]
    assert lists.only(pa.array(["a", None])).to_pylist() == ["a", None]


@pytest.mark.parametrize("stored", [pa.array([], pa.list_(pa.string())), pa.array([[], None])])
def test_only_of_nothing_is_nothing(stored: pa.Array) -> None:
    assert lists.only(stored).to_pylist() == [None] * len(stored)
