"""From files to splits: what is kept, what is refused, and that bytes repeat."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rankbeam.components.example_gen.counts import LabelCounts, counts_from_json, counts_to_json
from rankbeam.transform.errors import DataError, EnvironmentFault
from tests.components.example_gen.formats import (
    avro_of,
    csv_of,
    expected_row,
    parquet_of,
    random_rows,
    tfrecord_of,
)
from tests.components.example_gen.runs import (
    make_spec,
    read_split,
    run,
    run_all,
    split_bytes,
    write_parquet,
)
from tests.reference import splits as reference

_COLUMNS = {"name": "string", "size": "float", "tags": "string", "click": "int"}
_ALL_TRAIN = {"kind": "time", "column": "moment", "boundary": 10**9}


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("parquet", parquet_of),
        ("avro", avro_of),
        ("csv", csv_of),
        ("tfrecord", tfrecord_of),
    ],
)
def test_ingest_keeps_every_value(tmp_path: Path, kind: str, write: Any) -> None:
    rows = random_rows(3_000)
    write(tmp_path / "log", rows)
    spec = make_spec("log", kind, columns=_COLUMNS, split=_ALL_TRAIN, multivalent=["tags"])
    counts = run(spec, tmp_path)
    assert read_split(tmp_path / "output", "train") == [expected_row(row) for row in rows]
    assert read_split(tmp_path / "output", "eval") == []
    clicks = [row["click"] for row in rows]
    assert counts["train"].rows == 3_000
    assert counts["train"].labels == {
        "click": LabelCounts(zero=clicks.count(0), one=clicks.count(1), missing=clicks.count(None))
    }
    assert counts["eval"].rows == 0


def test_ingest_into_several_files_keeps_rows_order_and_counts(tmp_path: Path) -> None:
    parquet_of(tmp_path / "log", random_rows(2_000))
    spec = make_spec("log", columns=_COLUMNS, multivalent=["tags"])
    counts = run(spec, tmp_path, "one")
    assert run(spec, tmp_path, "several", shard_rows=300) == counts
    for split in ("train", "eval"):
        files = sorted(path.name for path in (tmp_path / "several" / f"Split-{split}").iterdir())
        number = -(-counts[split].rows // 300)
        assert number > 1
        assert files == [f"data_tfrecord-{n:05d}-of-{number:05d}.gz" for n in range(number)]
        several = read_split(tmp_path / "several", split)
        assert several == read_split(tmp_path / "one", split)


def test_ingest_gives_equal_bytes_again_and_over_formats(tmp_path: Path) -> None:
    rows = random_rows(2_000)
    parquet_of(tmp_path / "log.parquet", rows)
    tfrecord_of(tmp_path / "log.tfrecord", rows)
    avro_of(tmp_path / "log.avro", rows)
    outputs = []
    for place, kind in enumerate(("parquet", "parquet", "tfrecord", "avro")):
        spec = make_spec(f"log.{kind}", kind, columns=_COLUMNS, multivalent=["tags"])
        run(spec, tmp_path, f"output{place}")
        outputs.append(split_bytes(tmp_path / f"output{place}"))
    assert outputs[0] == outputs[1]
    assert outputs[0] == outputs[2]
    assert outputs[0] == outputs[3]


def test_ingest_counts_rows_over_files_in_name_order(tmp_path: Path) -> None:
    for place, name in enumerate(("b", "a", "c")):
        write_parquet(tmp_path / "log" / name, {"n": range(place * 100, place * 100 + 100)})
    run(make_spec("log", columns={"n": "float"}), tmp_path)
    in_order = [*range(100, 200), *range(100), *range(200, 300)]
    is_eval = [reference.row_hash_is_eval(row, 5, 0) for row in range(300)]
    for split, wanted in (("train", False), ("eval", True)):
        expected = [[n] for n, flag in zip(in_order, is_eval, strict=True) if flag == wanted]
        assert [row["n"] for row in read_split(tmp_path / "output", split)] == expected


def test_ingest_by_entity_keeps_each_in_one_split(tmp_path: Path) -> None:
    users = [f"u{number % 50}" for number in range(1_000)]
    write_parquet(tmp_path / "log", {"user": users, "n": range(1_000)})
    split = {"kind": "entity_hash", "column": "user", "eval_fraction": 0.3}
    run(make_spec("log", columns={"n": None}, split=split), tmp_path)
    rows = read_split(tmp_path / "output", "eval")
    assert set(rows[0]) == {"n"}
    expected = [n for n in range(1_000) if reference.entity_is_eval(users[n], "", 0.3)]
    assert [row["n"][0] for row in rows] == expected


def test_ingest_by_time_has_no_future_in_train(tmp_path: Path) -> None:
    moments = np.random.default_rng(0).integers(0, 50, 1_000)
    write_parquet(tmp_path / "log", {"t": moments})
    split = {"kind": "time", "column": "t", "eval_fraction": 0.25}
    run(make_spec("log", columns={"t": None}, split=split), tmp_path)
    train = [row["t"][0] for row in read_split(tmp_path / "output", "train")]
    evaluated = [row["t"][0] for row in read_split(tmp_path / "output", "eval")]
    assert max(train) < min(evaluated)
    assert sorted(train + evaluated) == sorted(moments.tolist())


def test_ingest_by_folders_takes_them_as_they_are(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log" / "train" / "a", {"n": [1, 2]})
    write_parquet(tmp_path / "log" / "holdout" / "a", {"n": [3]})
    split = {"kind": "folders", "eval": "holdout"}
    counts = run(make_spec("log", columns={"n": "int"}, split=split), tmp_path)
    assert [row["n"] for row in read_split(tmp_path / "output", "train")] == [[1], [2]]
    assert [row["n"] for row in read_split(tmp_path / "output", "eval")] == [[3]]
    assert counts["eval"].labels["n"] == LabelCounts(other=1)


def test_ingest_derives_labels(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("income,sex\n50000+.,f\n- 50000.,\n,m\n")
    spec = make_spec(
        "log",
        "csv",
        columns={"rich": "int", "sex": "int", "income": "string"},
        derive={
            "rich": {"source": "income", "is_in": ["50000+."]},
            "sex": {"source": "sex", "is_in": ["f"]},
        },
        split={"kind": "row_hash", "eval_remainder": 4},
    )
    rows = {str(row.pop("income")): row for row in run_all(spec, tmp_path)}
    assert rows == {
        "[b'50000+.']": {"rich": [1], "sex": [1]},
        "[b'- 50000.']": {"rich": [0], "sex": []},
        "[]": {"rich": [], "sex": [0]},
    }


def test_ingest_passes_label_two_on(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log", {"click": ["0", "1", "2", None]})
    spec = make_spec("log", columns={"click": "int"})
    assert sorted(row["click"] for row in run_all(spec, tmp_path)) == [[], [0], [1], [2]]


def test_ingest_keeps_a_column_of_nulls_as_missing(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log", {"a": pa.nulls(2), "n": [1, 2]})
    spec = make_spec("log", columns={"a": "string", "n": None})
    assert [row["a"] for row in run_all(spec, tmp_path)] == [[], []]


def test_counts_survive_json(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log", {"click": [0, 1, None, 2] * 10})
    counts = run(make_spec("log", columns={"click": "int"}), tmp_path)
    assert counts_from_json(counts_to_json(counts)) == counts
    assert sum(split.rows for split in counts.values()) == 40
    assert sum(split.labels["click"].missing for split in counts.values()) == 10


@pytest.mark.parametrize(
    ("kind", "content", "columns", "rule"),
    [
        ("csv", "a\n", {"a": "int"}, "must hold at least one row; got none in .*/log"),
        ("csv", "a\n1\nx\n", {"a": "int"}, "log row 2: column 'a' must hold integers; got 'x'"),
        ("csv", "a\n1\nx\n", {"a": "float"}, "log row 2: column 'a' must hold numbers; got 'x'"),
        ("csv", "a,b\n1,2\n3\n", {"a": "int"}, "log must be readable as CSV; .*Row #3"),
        ("csv", "a\n1\n", {"b": "int"}, r"must hold column 'b' \(wanted by a label\)"),
        ("parquet", "PAR1", {"a": "int"}, "log must be readable as Parquet"),
        ("avro", "Obj\x01", {"a": "int"}, "log must be readable as Avro"),
        ("tfrecord", "a\n1\n", {"a": "int"}, "log must be readable as TFRecord of tf.Example"),
        ("tfrecord", "", {"a": "int"}, "must hold at least one row; got none"),
    ],
)
def test_ingest_of_bad_input_is_one_error_and_leaves_nothing(
    tmp_path: Path, kind: str, content: str, columns: dict[str, str | None], rule: str
) -> None:
    (tmp_path / "log").write_text(content)
    with pytest.raises(DataError, match=rule):
        run(make_spec("log", kind, columns=columns), tmp_path)
    assert list((tmp_path / "output").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"split": {"kind": "entity_hash", "column": "user"}}, r"'user' \(wanted by data.split\)"),
        ({"split": {**_ALL_TRAIN}}, r"'moment' \(wanted by data.split\)"),
        (
            {"derive": {"b": {"source": "bb", "is_in": ["1"]}}},
            r"'bb' \(wanted by data.derive.b\)",
        ),
        ({}, r"'b' \(wanted by a slice or data.keep\)"),
    ],
)
def test_ingest_names_who_wants_a_missing_column(
    tmp_path: Path, options: dict[str, Any], rule: str
) -> None:
    write_parquet(tmp_path / "log", {"a": [1]})
    columns = {"b": None} if "split" not in options else {"a": None}
    with pytest.raises(DataError, match=rule):
        run(make_spec("log", columns=columns, **options), tmp_path)


def test_ingest_names_files_that_disagree_on_a_type(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log" / "a", {"n": [1]})
    write_parquet(tmp_path / "log" / "b", {"n": pa.nulls(1)})
    write_parquet(tmp_path / "log" / "c", {"n": [1.5]})
    rule = r"log/c: column 'n' must hold INT64 throughout, as in .*/log/a; got 'FLOAT'"
    with pytest.raises(DataError, match=rule):
        run(make_spec("log", columns={"n": "float"}), tmp_path)


def test_ingest_names_several_values_where_one_is_due(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log", {"n": [["a"], ["b", "c"]]})
    with pytest.raises(DataError, match=r"log row 2: column 'n' must hold one value per row"):
        run(make_spec("log", columns={"n": "string"}), tmp_path)


def test_ingest_into_a_place_that_is_no_folder_is_the_environments_fault(tmp_path: Path) -> None:
    write_parquet(tmp_path / "log", {"n": [1]})
    (tmp_path / "output").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot write examples to"):
        run(make_spec("log", columns={"n": None}), tmp_path)


def test_ingest_reads_what_pythons_csv_writes(tmp_path: Path) -> None:
    names = ["plain", "a,b", 'a"b', "two\nlines", " blanks ", "日本"]
    with (tmp_path / "log").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerows([["name"], *([name] for name in names)])
    rows = run_all(make_spec("log", "csv", columns={"name": "string"}), tmp_path)
    assert sorted(row["name"][0].decode() for row in rows) == sorted(names)
