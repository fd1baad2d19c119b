"""What the gate says of anomalies that TFDV really finds."""

from collections.abc import Sequence

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from rankbeam.components.data_gate.problems import message, percent, short_list
from rankbeam.components.data_gate.schema_checks import anomaly_problems, column_statistics
from tests.components.tf_examples import Row, statistics_of


def texts(rows: Sequence[Row], schema_text: str) -> list[str]:
    """The gate's texts on the anomalies of `rows` against a schema."""
    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    statistics = statistics_of(rows)
    anomalies = tfdv.validate_statistics(statistics, schema)
    columns = column_statistics(statistics)
    return [each.text for each in anomaly_problems("eval", len(rows), columns, schema, anomalies)]


ROWS: list[Row] = [
    {
        "text": ["a", "b", "c", "a"][i % 4],
        "count": i - 5,
        "price": [1.5, float("nan")][i % 2],
        "tags": ["x"] * (1 + i % 3),
        "rare": "r" if i == 0 else None,
    }
    for i in range(20)
]
KNOWN = (
    'feature {{ name: "text" type: BYTES {text} }} feature {{ name: "count" type: INT {count} }} '
    'feature {{ name: "price" type: FLOAT {price} }} feature {{ name: "tags" type: BYTES {tags} }} '
    'feature {{ name: "rare" type: BYTES {rare} }}'
)


def known(**bounds: str) -> str:
    """A schema of `ROWS`, each column with the bounds given."""
    names = ("text", "count", "price", "tags", "rare")
    return KNOWN.format(**{name: bounds.get(name, "") for name in names})


def test_anomaly_text_is_empty_without_anomalies() -> None:
    assert texts(ROWS, known()) == []


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (
            {"text": 'string_domain { value: "a" }'},
            "text: unexpected values 'b' (25 % of rows), 'c' (25 % of rows); expected one of 'a'",
        ),
        (
            {"text": 'domain: "letters"', "rare": '} string_domain { name: "letters" value: "a" '},
            "text: unexpected values 'b' (25 % of rows), 'c' (25 % of rows); expected one of 'a'",
        ),
        (
            {"count": "int_domain { min: 0 max: 9 }"},
            "count: values from -5 to 14; expected at least 0 and at most 9",
        ),
        (
            {"count": "int_domain { max: 9 }"},
            "count: values from -5 to 14; expected at most 9",
        ),
        (
            {"price": "float_domain { disallow_nan: true }"},
            "price: 10 values are NaN; expected finite numbers",
        ),
        (
            {"price": "float_domain { min: 2 }"},
            "price: values from 1.5 to 1.5; expected at least 2",
        ),
        (
            {"rare": "presence { min_fraction: 0.5 }"},
            "rare: present in 5 % of rows; expected in at least 50 %",
        ),
        (
            {"rare": "presence { min_count: 3 }"},
            "rare: present in 1 rows; expected in at least 3",
        ),
        (
            {"tags": "value_count { max: 2 }"},
            "tags: up to 3 values in a row; expected at most 2",
        ),
        (
            {"tags": "value_count { min: 2 }"},
            "tags: as few as 1 values in a row; expected at least 2",
        ),
        (
            {"rare": '} feature { name: "gone" type: INT presence { min_count: 1 } '},
            "gone: no value in any of 20 rows; expected at least one",
        ),
    ],
)
def test_anomaly_text_names_observation_and_expectation(
    bounds: dict[str, str], expected: str
) -> None:
    assert texts(ROWS, known(**bounds)) == [f"eval: {expected}"]


def test_anomaly_text_names_a_new_column() -> None:
    without = known().replace('feature { name: "rare" type: BYTES  }', "")
    assert texts(ROWS, without) == [
        "eval: rare: column is in the data; expected only columns of the schema"
    ]


def test_anomaly_text_names_a_wrong_type() -> None:
    wrong = known().replace('"text" type: BYTES', '"text" type: INT')
    assert texts(ROWS, wrong) == ["eval: text: values are BYTES; expected INT"]


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_anomaly_text_names_infinite_values() -> None:
    rows: list[Row] = [{**row, "price": float("inf")} for row in ROWS]
    schema = known(price="float_domain { disallow_inf: true }")
    assert texts(rows, schema) == ["eval: price: infinite values; expected finite numbers"]


def test_anomaly_text_falls_back_on_tfdv_for_a_value_too_rare_to_be_named() -> None:
    # The rank histogram names the 1,000 most frequent values.
    rows: list[Row] = [{"text": f"v{i % 1100:04d}"} for i in range(2200)]
    rows.append({"text": "toaster"})
    legal = " ".join(f'value: "v{i:04d}"' for i in range(1100))
    [text] = texts(rows, f'feature {{ name: "text" type: BYTES string_domain {{ {legal} }} }}')
    assert text.startswith("eval: text: ")
    assert "toaster" in text


def test_anomaly_text_names_the_bounds_of_a_dataset() -> None:
    schema = known() + " dataset_constraints { min_examples_count: 21 }"
    assert texts(ROWS, schema) == [
        "eval: The dataset has 20 examples, which is fewer than expected; the schema says "
        "min_examples_count: 21"
    ]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 1_000_000, "<0.01 %"),
        (999_999, 1_000_000, ">99.99 %"),
        (1, 1000, "0.1 %"),
        (1, 3, "33.33 %"),
        (97, 100, "97 %"),
    ],
)
def test_percent_is_never_rounded_to_none_or_all(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


def test_short_list_counts_what_it_leaves_out() -> None:
    assert short_list([1, 2]) == "1, 2"
    assert short_list(range(1013)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 (+1,003 more)"


def test_message_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one problem; got none"):
        message([], "here")
