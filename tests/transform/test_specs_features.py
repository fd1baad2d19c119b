"""What a feature spec accepts, rejects and means."""

from typing import Any

import pydantic
import pytest

from rankbeam.transform.specs.features import (
    CategoricalFeature,
    IdFeature,
    NumericFeature,
    column_of,
)
from rankbeam.transform.specs.options import TransformOptions

BAD_FEATURES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "embedding"}, "'id', 'categorical', 'multivalent', 'numeric'"),
    ({}, "Unable to extract tag"),
    ({"kind": "id"}, "an id feature must set vocabulary_size or hash_buckets; got neither"),
    ({"kind": "id", "vocabulary_size": 0}, "vocabulary_size\n.*greater than or equal to 1"),
    ({"kind": "id", "hash_buckets": -1}, "hash_buckets\n.*greater than or equal to 1"),
    (
        {"kind": "id", "hash_buckets": 9, "vocabulary_size": 9},
        "vocabulary_size has no meaning beside hash_buckets",
    ),
    (
        {"kind": "categorical", "hash_buckets": 9, "frequency_threshold": 2},
        "frequency_threshold has no meaning beside hash_buckets",
    ),
    (
        {"kind": "multivalent", "hash_buckets": 9, "oov_buckets": 2},
        "oov_buckets has no meaning beside hash_buckets",
    ),
    ({"kind": "categorical", "missing": "mean"}, "'own_index' or 'oov'"),
    ({"kind": "categorical", "vocab": 3}, "vocab\n.*Extra inputs are not permitted"),
    ({"kind": "categorical", "column": ""}, "column\n.*at least 1 character"),
    ({"kind": "id", "vocabulary_size": 9, "domain": ["a"]}, "domain\n.*Extra inputs"),
    ({"kind": "multivalent", "max_values": 0}, "max_values\n.*greater than or equal to 1"),
    ({"kind": "multivalent", "combiner": "max"}, "'mean', 'sum' or 'sqrtn'"),
    ({"kind": "numeric", "scaling": "min_max"}, "'z_score', 'log', 'quantile_buckets' or 'none'"),
    ({"kind": "numeric", "buckets": 4}, "buckets needs scaling quantile_buckets; got z_score"),
    (
        {"kind": "numeric", "scaling": "log", "embedding_dim": 4},
        "embedding_dim needs scaling quantile_buckets; got log",
    ),
    ({"kind": "numeric", "scaling": "quantile_buckets", "buckets": 1}, "greater than or equal"),
    ({"kind": "numeric", "missing": "median"}, "'mean' or 'zero'"),
    ({"kind": "numeric", "missing": float("nan")}, "finite number"),
    ({"kind": "numeric", "missing": True}, "valid number"),
    ({"kind": "numeric", "vocabulary_size": 3}, "vocabulary_size\n.*Extra inputs"),
]


@pytest.mark.parametrize(("spec", "message"), BAD_FEATURES)
def test_feature_spec_rejects(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=message):
        TransformOptions.model_validate({"features": {"x": spec}})


def test_feature_spec_documented_defaults() -> None:
    categorical = CategoricalFeature(kind="categorical")
    assert categorical.vocabulary_size is None
    assert categorical.oov_buckets == categorical.frequency_threshold == 1
    assert categorical.missing == "own_index"
    numeric = NumericFeature(kind="numeric")
    assert (numeric.scaling, numeric.missing, numeric.missing_indicator) == (
        "z_score",
        "mean",
        False,
    )


def test_feature_spec_bucket_count_is_ten_unless_set() -> None:
    assert NumericFeature(kind="numeric", scaling="quantile_buckets").bucket_count == 10
    assert NumericFeature(kind="numeric", scaling="quantile_buckets", buckets=4).bucket_count == 4


def test_feature_spec_column_is_the_name_unless_set() -> None:
    assert column_of("user", IdFeature(kind="id", hash_buckets=5)) == "user"
    assert column_of("user", IdFeature(kind="id", hash_buckets=5, column="uid")) == "uid"


def test_feature_spec_is_frozen() -> None:
    feature = NumericFeature(kind="numeric")
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        feature.missing = "zero"  # type: ignore[misc]
