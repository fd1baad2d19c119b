"""The gate on real artifacts: what stops a run, what it says, what passes."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from rankbeam.components.data_gate.report import read_report
from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.transform.errors import GateError
from tests.components.data_gate.gate_run import OPTIONS, changed, good_rows, prepare
from tests.components.tf_examples import Row, tear

TRAIN, EVAL = good_rows(80), good_rows(24)


def gated(**settings: Any) -> DataGateOptions:
    """`OPTIONS` with another `gates.data` section."""
    gate = OPTIONS.gate.model_copy(update=settings)
    return OPTIONS.model_copy(update={"gate": gate})


def reason(folder: Path, train: list[Row], evaluated: list[Row]) -> str:
    """The message of the error that stops a run on these rows."""
    prepared = prepare(folder, {"train": train, "eval": evaluated})
    with pytest.raises(GateError, match=r"^data gate: ") as caught:
        prepared.run()
    assert not Path(prepared.verdict.uri).exists()
    return str(caught.value)


def test_gate_reports_what_passed(tmp_path: Path) -> None:
    report = prepare(tmp_path, {"train": TRAIN, "eval": EVAL}).run()
    assert report.rows == 104
    assert report.allowed == ()
    assert report.splits["train"].rows == 80
    assert report.splits["train"].positives == {"click": 20, "conversion": 10}
    assert report.splits["eval"].positives == {"click": 6, "conversion": 3}
    assert report.splits["eval"].funnel_violations == {"conversion given click": 0}


def test_gate_reads_all_shards_in_order(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": changed(TRAIN, 41, click=2), "eval": EVAL}, shards=4)
    with pytest.raises(GateError, match=r"1 of 80 rows, first 2 in row 41 \(user_id=u41\)"):
        prepared.run()


def test_gate_names_value_share_and_domain_of_an_unknown_value(tmp_path: Path) -> None:
    text = reason(tmp_path, TRAIN, changed(EVAL, 5, 6, 7, device="toaster"))
    assert text.startswith(
        "data gate: eval: device: unexpected value 'toaster' (12.5 % of rows); "
        "expected one of 'desktop', 'mobile', 'tablet' (see "
    )


def test_gate_closes_the_gaps_of_an_integer_domain(tmp_path: Path) -> None:
    text = reason(tmp_path, changed(TRAIN, 9, 10, code=5), EVAL)
    assert text.startswith(
        "data gate: train: code: unexpected values in 2 of 80 rows, first 5 in row 9 "
        "(user_id=u9); expected one of 1, 2, 7 (see "
    )


def test_gate_tells_an_integer_outside_its_range_once(tmp_path: Path) -> None:
    text = reason(tmp_path, changed(TRAIN, 9, code=99), EVAL)
    assert text.count("code") == 1
    assert "first 99 in row 9" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, "must be 0 or 1; got another value in 2 of 80 rows, first 2 in row 3 (user_id=u3)"),
        (-1, "must be 0 or 1; got another value in 2 of 80 rows, first -1 in row 3 (user_id=u3)"),
        (None, "must be in every row; missing in 2 of 80 rows, first in row 3 (user_id=u3)"),
        ([], "must be in every row; missing in 2 of 80 rows, first in row 3 (user_id=u3)"),
        ([0, 1], "must have one value; got more in 2 of 80 rows, first in row 3 (user_id=u3)"),
    ],
)
def test_gate_rejects_labels_that_are_no_outcomes(
    tmp_path: Path, value: object, expected: str
) -> None:
    text = reason(tmp_path, changed(TRAIN, 3, 5, click=value), EVAL)
    assert text.startswith(f"data gate: train: label click {expected} (see ")


def test_gate_rejects_a_label_of_another_type(tmp_path: Path) -> None:
    schema = text_format.Parse("", schema_pb2.Schema())
    train: list[Row] = [{**row, "click": 1.0} for row in TRAIN]
    prepared = prepare(tmp_path, {"train": train, "eval": EVAL}, schema=schema)
    with pytest.raises(GateError, match=r"train: columns click, conversion must be .* integers;"):
        prepared.run()


def test_gate_rejects_a_conversion_without_its_click(tmp_path: Path) -> None:
    text = reason(
        tmp_path, changed(TRAIN, 17, 19, 21, conversion=1), changed(EVAL, 2, conversion=1)
    )
    assert text.splitlines()[1:] == [
        "  train: conversion is 1 though click is 0 in 3 of 80 rows, first in row 17 "
        "(user_id=u17); none may",
        "  eval: conversion is 1 though click is 0 in 1 of 24 rows, first in row 2 "
        "(user_id=u2); none may",
    ]


def test_gate_counts_funnel_violations_over_both_splits(tmp_path: Path) -> None:
    broken = {
        "train": changed(TRAIN, 17, 19, 21, conversion=1),
        "eval": changed(EVAL, 2, conversion=1),
    }
    report = prepare(tmp_path / "four", broken).run(gated(max_funnel_violations=4))
    assert report.splits["train"].funnel_violations == {"conversion given click": 3}
    assert report.splits["eval"].funnel_violations == {"conversion given click": 1}
    with pytest.raises(GateError, match="at most 3 rows may"):
        prepare(tmp_path / "three", broken).run(gated(max_funnel_violations=3))


@pytest.mark.parametrize("constant", [0, 1])
def test_gate_rejects_a_constant_label(tmp_path: Path, constant: int) -> None:
    rows: list[Row] = [
        {**row, "click": constant, "conversion": i % 2 * constant} for i, row in enumerate(EVAL)
    ]
    text = reason(tmp_path, TRAIN, rows)
    assert f"eval: label click is {constant} in all 24 rows; it must vary" in text


def test_gate_lets_a_constant_label_pass_where_allowed(tmp_path: Path) -> None:
    rows: list[Row] = [{**row, "conversion": 0} for row in EVAL]
    report = prepare(tmp_path, {"train": TRAIN, "eval": rows}).run(gated(allow_constant_label=True))
    assert report.splits["eval"].positives["conversion"] == 0


@pytest.mark.parametrize("nothing", [None, []])
def test_gate_rejects_a_feature_without_values(tmp_path: Path, nothing: object) -> None:
    rows: list[Row] = [{**row, "price": nothing} for row in TRAIN]  # type: ignore[dict-item]
    text = reason(tmp_path, rows, EVAL)
    assert text.startswith(
        "data gate: train: price: no value in any of 80 rows; a feature must have one (see "
    )


def test_gate_rejects_a_feature_that_neither_split_has(tmp_path: Path) -> None:
    train: list[Row] = [{**row, "device": None} for row in TRAIN]
    evaluated: list[Row] = [{**row, "device": None} for row in EVAL]
    text = reason(tmp_path, train, evaluated)
    assert len(text.splitlines()) == 3
    assert "eval: device: no value in any of 24 rows" in text


def test_gate_lets_named_columns_pass_and_says_so(tmp_path: Path) -> None:
    train: list[Row] = [{**row, "price": None} for row in TRAIN]
    evaluated = changed(EVAL, 5, device="toaster")
    report = prepare(tmp_path, {"train": train, "eval": evaluated}).run(
        gated(allow_anomalies=("device", "price"))
    )
    assert [text.split(":")[:2] for text in report.allowed] == [
        ["train", " price"],
        ["eval", " device"],
    ]


def test_gate_never_lets_a_wrong_label_pass_by_name(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": changed(TRAIN, 3, click=2), "eval": EVAL})
    with pytest.raises(GateError, match="label click must be 0 or 1"):
        prepared.run(gated(allow_anomalies=("click",)))


def test_gate_rejects_an_empty_split(tmp_path: Path) -> None:
    text = reason(tmp_path, TRAIN, [])
    assert text.startswith("data gate: eval: must have at least 1 row (data.split, gates.data.min_")


def test_gate_holds_each_split_to_min_rows(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN, "eval": EVAL})
    assert prepared.run(gated(min_rows=24)).rows == 104
    with pytest.raises(GateError, match=r"gate: eval: must have at least 25 rows .*; got 24"):
        prepared.run(gated(min_rows=25))


def test_gate_rejects_examples_without_an_eval_split(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN})
    with pytest.raises(GateError, match="eval: examples must have this split; got train"):
        prepared.run()


@pytest.mark.parametrize(
    ("key", "file", "message"),
    [
        ("statistics", "FeatureStats.pb", "eval: statistics must be there; got none"),
        ("anomalies", "SchemaDiff.pb", "eval: anomalies must be looked for; got no finding"),
    ],
)
@pytest.mark.parametrize("damage", ["removed", "corrupt"])
def test_gate_fails_closed_without_evidence(
    tmp_path: Path, key: str, file: str, message: str, damage: str
) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN, "eval": EVAL})
    path = prepared.folder(key, "eval") / file
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(b"\xff\xff not a proto")
    with pytest.raises(GateError, match=message):
        prepared.run()


def test_gate_fails_closed_where_statistics_saw_no_rows(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "full", {"train": TRAIN, "eval": EVAL})
    empty = prepare(tmp_path / "empty", {"train": TRAIN, "eval": []})
    for key, file in {"statistics": "FeatureStats.pb", "anomalies": "SchemaDiff.pb"}.items():
        hollow = (empty.folder(key, "eval") / file).read_bytes()
        (prepared.folder(key, "eval") / file).write_bytes(hollow)
    with pytest.raises(GateError, match="eval: statistics must cover 24 rows; got none"):
        prepared.run()


def test_gate_names_a_corrupt_file_of_examples(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN, "eval": EVAL})
    [path] = prepared.folder("examples", "train").iterdir()
    tear(path)
    with pytest.raises(GateError, match=r"train: columns click, conversion, code must be readable"):
        prepared.run()


def test_gate_tells_examples_that_lost_whole_records_since_they_were_written(
    tmp_path: Path,
) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN, "eval": EVAL}, shards=4)
    last = sorted(prepared.folder("examples", "train").iterdir())[-1]
    last.unlink()
    with pytest.raises(
        GateError, match=r"train: examples must be the 80 rows that were written; got 60"
    ):
        prepared.run()


def test_gate_takes_examples_of_a_writer_that_counts_nothing(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, {"train": TRAIN, "eval": EVAL})
    prepared.inputs["examples"][0].set_string_custom_property(COUNTS_PROPERTY, "")
    assert prepared.run().rows == 104


def test_gate_lists_every_problem_the_most_severe_first(tmp_path: Path) -> None:
    train = changed(changed(TRAIN, 1, device="toaster"), 2, conversion=1)
    evaluated = changed(EVAL, 3, click=5)
    lines = reason(tmp_path, train, evaluated).splitlines()
    assert lines[0].startswith("data gate: 3 problems (see ")
    assert [line.split(" in ")[0] for line in lines[1:]] == [
        "  eval: label click must be 0 or 1; got another value",
        "  train: conversion is 1 though click is 0",
        "  train: device: unexpected value 'toaster' (1.25 % of rows); expected one of 'desktop', "
        "'mobile', 'tablet'",
    ]


def test_gate_caps_a_long_list(tmp_path: Path) -> None:
    columns = [f"extra_{i:02d}" for i in range(14)]
    wide: list[Row] = [{**row, **dict.fromkeys(columns, 1)} for row in EVAL]
    prepared = prepare(
        tmp_path,
        {"train": TRAIN, "eval": wide},
        schema=prepare_schema(tmp_path),
    )
    with pytest.raises(GateError) as caught:
        prepared.run()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("data gate: 14 problems")
    assert lines[1] == (
        "  eval: extra_00: column is in the data; expected only columns of the schema"
    )
    assert len(lines) == 12
    assert lines[-1] == "  (+4 more)"


def prepare_schema(folder: Path) -> schema_pb2.Schema:
    """The schema of rows that pass."""
    prepared = prepare(folder / "plain", {"train": TRAIN, "eval": EVAL})
    [artifact] = prepared.inputs["schema"]
    return text_format.Parse(Path(artifact.uri, "schema.pbtxt").read_text(), schema_pb2.Schema())


def test_gate_report_cannot_be_read_where_the_gate_did_not_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"verdict must hold report.json"):
        read_report(str(tmp_path))
