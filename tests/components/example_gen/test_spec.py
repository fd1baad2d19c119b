"""The data section of the config."""

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from rankbeam.components.example_gen.spec import DataSpec, ExampleGenSpec, TimeSplit

_DATA = """
source: {kind: csv, path: "logs/{SPAN}", null_values: ["", "NA"], list_separator: ";"}
split: {kind: time, column: at, boundary: 2024-01-31}
derive: {rich: {source: income, is_in: ["50000+."]}}
"""


def test_spec_survives_json_with_columns_in_order() -> None:
    data = DataSpec.model_validate(yaml.safe_load(_DATA))
    columns: dict[str, Any] = {"z": "string", "a": None, "rich": "int"}
    spec = ExampleGenSpec(data=data, columns=columns, multivalent=("z",))
    back = ExampleGenSpec.model_validate_json(spec.model_dump_json())
    assert back == spec
    assert list(back.columns) == ["z", "a", "rich"]


@pytest.mark.parametrize(
    ("written", "boundary"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31 12:00:00", "2024-01-31T12:00:00"),
        ("'2024-01-31'", "2024-01-31"),
        ("1706659200", 1706659200.0),
    ],
)
def test_time_boundary_is_taken_as_yaml_reads_it(written: str, boundary: float | str) -> None:
    split = yaml.safe_load(f"{{kind: time, column: at, boundary: {written}}}")
    assert TimeSplit.model_validate(split).boundary == boundary


@pytest.mark.parametrize(
    ("split", "rule"),
    [
        ({"kind": "time", "column": "t"}, "must set one of boundary and eval_fraction"),
        (
            {"kind": "time", "column": "t", "boundary": 1, "eval_fraction": 0.1},
            "must set one of boundary and eval_fraction",
        ),
        ({"kind": "row_hash", "modulus": 5, "eval_remainder": 5}, "must be < modulus 5; got 5"),
        ({"kind": "row_hash", "modulus": 1}, "greater than or equal to 2"),
        ({"kind": "entity_hash", "column": "u", "eval_fraction": 1}, "less than 1"),
        ({"kind": "entity_hash"}, "column"),
    ],
)
def test_split_that_makes_no_sense_is_refused(split: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        DataSpec.model_validate({"source": {"kind": "csv", "path": "a"}, "split": split})
