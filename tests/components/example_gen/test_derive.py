"""Labels made from other columns."""

from typing import Any

import pyarrow as pa
import pytest

from rankbeam.components.example_gen.derive import derived_label
from rankbeam.components.example_gen.spec import DerivedLabel


@pytest.mark.parametrize(
    ("source", "is_in", "labels"),
    [
        (["50000+.", "- 50000.", None, ""], ["50000+."], [1, 0, None, 0]),
        (["a", "b", "c"], ["a", "c"], [1, 0, 1]),
        ([3, 4, None], ["3"], [1, 0, None]),
        ([3.0, 2.5, None, 4.0], ["3", "2.5"], [1, 1, None, 0]),
        ([True, False, None], ["1"], [1, 0, None]),
        ([["a"], [], None, ["b"]], ["a"], [1, None, None, 0]),
        ([None, None], ["a"], [None, None]),
    ],
)
def test_derived_label_is_one_where_listed(
    source: list[Any], is_in: list[str], labels: list[int | None]
) -> None:
    rule = DerivedLabel(source="s", is_in=tuple(is_in))
    assert derived_label(pa.array(source), rule).to_pylist() == labels
    coded = pa.array(source)
    if not pa.types.is_list(coded.type) and not pa.types.is_null(coded.type):
        assert derived_label(coded.dictionary_encode(), rule).to_pylist() == labels
