"""The names and columns of one model's features and labels."""

from typing import Any

import pydantic
import pytest

from rankbeam.transform.specs.features import NumericFeature
from rankbeam.transform.specs.options import TransformOptions, indicator_name

CATEGORICAL = {"kind": "categorical"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": {}}, "features\n.*at least 1 item"),
        (
            {"features": {"a": CATEGORICAL, "b": CATEGORICAL | {"column": "a"}}},
            "features.b.column must be read by one feature only; got a, which features.a reads too",
        ),
        (
            {"features": {"a": CATEGORICAL | {"column": "click"}}, "labels": ["click"]},
            "features.a.column must not be a label; got click",
        ),
        (
            {"features": {"click": CATEGORICAL | {"column": "was"}}, "labels": ["click"]},
            "got click from features.click and from label click",
        ),
        (
            {"features": {"a": CATEGORICAL}, "labels": ["click", "click"]},
            "got click from label click and from label click",
        ),
        (
            {
                "features": {
                    "age": {"kind": "numeric", "missing_indicator": True},
                    "age__missing": CATEGORICAL,
                }
            },
            "got age__missing from features.age.missing_indicator and from features.age__missing",
        ),
        ({"features": {"": CATEGORICAL | {"column": "a"}}}, "must have names; got an empty one"),
        ({"features": {"a": CATEGORICAL}, "labels": [""]}, "labels.0\n.*at least 1 character"),
    ],
)
def test_options_reject(options: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        TransformOptions.model_validate(options)


def test_options_survive_json() -> None:
    options = TransformOptions.model_validate(
        {
            "features": {
                "user": {"kind": "id", "hash_buckets": 100},
                "tags": {"kind": "multivalent", "max_values": 3},
                "age": {"kind": "numeric", "missing": 2, "missing_indicator": True},
                "plain": {"kind": "categorical", "column": "α\n", "domain": ["x"]},
            },
            "labels": ["click", "conversion"],
        }
    )
    again = TransformOptions.model_validate_json(options.model_dump_json())
    assert again == options
    assert list(again.features) == ["user", "tags", "age", "plain"]
    assert isinstance(again.features["age"], NumericFeature)


def test_options_indicator_name() -> None:
    assert indicator_name("age") == "age__missing"
