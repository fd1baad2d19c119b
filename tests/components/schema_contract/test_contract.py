"""The tightened schema, judged by TFDV's own validation and TFT's own parsing spec."""

from collections.abc import Sequence

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from rankbeam.components.schema_contract.logic import tighten
from rankbeam.components.schema_contract.spec import SchemaContractOptions
from rankbeam.transform.errors import DataError
from tests.components.tf_examples import Row, statistics_of

OPTIONS = SchemaContractOptions(
    labels=("click",),
    features=("device", "user_id", "price", "tags"),
    numeric=("price",),
    multivalent=("tags",),
)
ROWS: list[Row] = [
    {
        "device": ["mobile", "desktop", "tablet"][i % 3],
        "user_id": i % 7,
        "price": None if i % 4 == 0 else float(i),
        "tags": ["a", "b", "c"][: i % 4],
        "day": i,
        "click": i % 2,
    }
    for i in range(40)
]


def inferred(*splits: Sequence[Row]) -> schema_pb2.Schema:
    """A schema as SchemaGen infers it from splits in turn."""
    schema = tfdv.infer_schema(statistics_of(splits[0]), infer_feature_shape=False)
    for split in splits[1:]:
        schema = tfdv.update_schema(schema, statistics_of(split), infer_feature_shape=False)
    return schema


def curated(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def anomalies(
    rows: Sequence[Row], schema: schema_pb2.Schema, environment: str | None = None
) -> dict[str, str]:
    """Column to TFDV's description of what is wrong with it."""
    found = tfdv.validate_statistics(statistics_of(rows), schema, environment)
    return {column: info.description for column, info in found.anomaly_info.items()}


def changed(index: int, **values: object) -> list[Row]:
    """`ROWS` with one row changed."""
    rows: list[Row] = [dict(row) for row in ROWS]
    rows[index] = {**rows[index], **values}  # type: ignore[dict-item]
    return rows


def test_contract_accepts_the_data_it_was_inferred_from() -> None:
    assert anomalies(ROWS, tighten(inferred(ROWS), OPTIONS)) == {}


@pytest.mark.parametrize("label", [2, -1, None])
def test_contract_rejects_a_label_that_is_no_outcome(label: int | None) -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    assert set(anomalies(changed(3, click=label), schema)) == {"click"}


def test_contract_does_not_require_labels_at_serving() -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    unlabelled: list[Row] = [{k: v for k, v in row.items() if k != "click"} for row in ROWS]
    assert anomalies(unlabelled, schema, "SERVING") == {}
    assert set(anomalies(unlabelled, schema, "TRAINING")) == {"click"}
    assert set(anomalies(unlabelled, schema)) == {"click"}


def test_contract_lets_a_new_value_pass_where_no_domain_is_closed() -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    assert anomalies(changed(0, device="toaster", tags=["new"]), schema) == {}
    assert not schema.string_domain


def test_contract_closes_a_domain_of_texts() -> None:
    options = OPTIONS.model_copy(update={"domains": {"device": ("desktop", "mobile", "tablet")}})
    schema = tighten(inferred(ROWS), options)
    assert anomalies(ROWS, schema) == {}
    assert "toaster" in anomalies(changed(0, device="toaster"), schema)["device"]


def test_contract_closes_a_domain_of_integers() -> None:
    options = OPTIONS.model_copy(update={"domains": {"user_id": tuple("0123456")}})
    schema = tighten(inferred(ROWS), options)
    assert anomalies(ROWS, schema) == {}
    assert set(anomalies(changed(0, user_id=7), schema)) == {"user_id"}


def test_contract_rejects_a_domain_that_the_column_cannot_hold() -> None:
    options = OPTIONS.model_copy(update={"domains": {"user_id": ("0", "u1")}})
    with pytest.raises(DataError, match=r"domain of column user_id must hold integers.*got 'u1'"):
        tighten(inferred(ROWS), options)


# TFDV takes the variance of what it then rejects.
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("price", [float("nan"), float("inf"), float("-inf")])
def test_contract_rejects_numbers_that_are_not_finite(price: float) -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    assert set(anomalies(changed(1, price=price), schema)) == {"price"}


def test_contract_allows_many_values_in_multivalent_columns_only() -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    assert anomalies(changed(0, tags=["a"] * 9), schema) == {}
    assert set(anomalies(changed(0, device=["mobile", "desktop"]), schema)) == {"device"}


def test_contract_requires_every_feature_somewhere() -> None:
    schema = tighten(inferred(ROWS), OPTIONS)
    nowhere: list[Row] = [{**row, "device": None} for row in ROWS]
    assert set(anomalies(nowhere, schema)) == {"device"}


@pytest.mark.parametrize("nothing", [None, []])
def test_contract_types_a_column_without_values_by_its_role(nothing: list[str] | None) -> None:
    empty: list[Row] = [
        {**row, "price": nothing, "click": nothing, "device": nothing} for row in ROWS
    ]
    schema = tighten(inferred(empty), OPTIONS)
    types = {feature.name: feature.type for feature in schema.feature}
    assert types["price"] == schema_pb2.FLOAT
    assert types["click"] == schema_pb2.INT
    assert types["device"] == schema_pb2.BYTES
    assert {"price", "click", "device"} <= set(anomalies(empty, schema))


def test_contract_still_validates_a_column_that_the_eval_split_lacks() -> None:
    without: list[Row] = [{**row, "device": None} for row in ROWS]
    schema = inferred(ROWS, without)
    assert anomalies(without, schema) == {}  # as inferred: the column counts as deprecated
    assert set(anomalies(without, tighten(schema, OPTIONS))) == {"device"}


def test_contract_survives_an_empty_eval_split() -> None:
    schema = tighten(inferred(ROWS, []), OPTIONS)
    assert anomalies(ROWS, schema) == {}
    assert set(schema_utils.schema_as_feature_spec(schema).feature_spec) == set(ROWS[0])


def test_contract_leaves_every_raw_feature_variable() -> None:
    spec = schema_utils.schema_as_feature_spec(tighten(inferred(ROWS), OPTIONS)).feature_spec
    assert set(spec) == set(ROWS[0])
    assert {type(parsed) for parsed in spec.values()} == {tf.io.VarLenFeature}


def test_contract_does_not_change_its_input() -> None:
    schema = inferred(ROWS)
    before = schema.SerializeToString(deterministic=True)
    tighten(schema, OPTIONS)
    assert schema.SerializeToString(deterministic=True) == before


def test_contract_applied_twice_changes_nothing() -> None:
    options = OPTIONS.model_copy(update={"domains": {"device": ("desktop", "mobile", "tablet")}})
    once = tighten(inferred(ROWS), options)
    twice = tighten(once, options.model_copy(update={"curated": True, "kept": ("day",)}))
    assert text_format.MessageToString(twice) == text_format.MessageToString(once)


CURATED = """
feature { name: "click" type: INT shape { dim { size: 1 } } presence { min_fraction: 1 } }
feature { name: "device" type: BYTES domain: "devices" presence { min_fraction: 1 } }
feature { name: "user_id" type: INT int_domain { min: 0 max: 9 } }
feature { name: "price" type: FLOAT float_domain { min: 0 } shape { dim { size: 1 } } }
feature { name: "tags" type: BYTES }
feature { name: "day" type: INT }
feature { name: "unread" type: BYTES presence { min_fraction: 1 } }
string_domain { name: "devices" value: "mobile" value: "desktop" value: "tablet" }
string_domain { name: "countries" value: "NL" }
"""
BY_HAND = OPTIONS.model_copy(update={"curated": True, "kept": ("day",)})


def test_contract_keeps_what_a_curated_schema_bounds() -> None:
    schema = tighten(curated(CURATED), BY_HAND)
    assert anomalies(ROWS, schema) == {}
    for column, value in {"device": "toaster", "user_id": 10, "price": -1.0}.items():
        assert set(anomalies(changed(1, **{column: value}), schema)) == {column}
    assert set(anomalies(changed(1, device=None), schema)) == {"device"}


def test_contract_leaves_out_curated_columns_that_are_not_read() -> None:
    schema = tighten(curated(CURATED), BY_HAND)
    assert [feature.name for feature in schema.feature] == [
        *("click", "device", "user_id", "price", "tags", "day")
    ]
    assert [domain.name for domain in schema.string_domain] == ["devices"]


def test_contract_takes_fixed_shapes_out_of_a_curated_schema() -> None:
    spec = schema_utils.schema_as_feature_spec(tighten(curated(CURATED), BY_HAND)).feature_spec
    assert {type(parsed) for parsed in spec.values()} == {tf.io.VarLenFeature}


def test_contract_narrows_a_curated_domain_to_the_configs() -> None:
    options = BY_HAND.model_copy(update={"domains": {"device": ("mobile",)}})
    assert set(anomalies(ROWS, tighten(curated(CURATED), options))) == {"device"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name: "tags"', 'name: "tag"', r"column tags must be in the curated schema; it has click"),
        ('"click" type: INT', '"click" type: FLOAT', r"label column click must be INT; .* FLOAT"),
        ('"price" type: FLOAT', '"price" type: BYTES', r"price must be FLOAT or INT; .* BYTES"),
        ('"device" type: BYTES', '"device" type: FLOAT', r"device must be BYTES or INT; .* FLOAT"),
        (
            '"tags" type: BYTES',
            '"tags" type: BYTES value_count { min: 1 max: 1 }',
            r"multivalent column tags must allow many values; the curated schema says at most 1",
        ),
        (
            '"device" type: BYTES',
            '"device" type: BYTES shape { dim { size: 3 } }',
            r"device must hold one value; the curated schema says at least 3",
        ),
        (
            '"device" type: BYTES',
            '"device" type: BYTES lifecycle_stage: DEPRECATED',
            r"device must be in production; the curated schema says DEPRECATED",
        ),
    ],
)
def test_contract_rejects_a_curated_schema_that_contradicts_the_config(
    old: str, new: str, message: str
) -> None:
    assert old in CURATED
    with pytest.raises(DataError, match=message):
        tighten(curated(CURATED.replace(old, new)), BY_HAND)


def test_contract_rejects_a_domain_beyond_the_curated_one() -> None:
    options = BY_HAND.model_copy(update={"domains": {"device": ("mobile", "toaster")}})
    with pytest.raises(DataError, match=r"column device must lie within .*; got 'toaster'"):
        tighten(curated(CURATED), options)


def test_contract_lists_every_contradiction() -> None:
    text = CURATED.replace('"click" type: INT', '"click" type: BYTES').replace('"tags"', '"tag"')
    with pytest.raises(DataError) as caught:
        tighten(curated(text), BY_HAND)
    assert len(str(caught.value).splitlines()) == 2


def test_contract_rejects_inferred_types_that_no_role_has() -> None:
    rows: list[Row] = [{**row, "click": float(i % 2)} for i, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=r"label column click must be INT; the data hold FLOAT"):
        tighten(inferred(rows), OPTIONS)
