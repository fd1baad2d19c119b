"""Finding files, guessing how they are written, reading their first rows."""

import bz2
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from rankbeam.pipeline.init.columns import columns_of
from rankbeam.pipeline.init.dialect import Dialect, read_dialect
from rankbeam.pipeline.init.files import find_files
from rankbeam.pipeline.init.sample import read_sample
from rankbeam.transform.errors import DataError
from tests.components.example_gen.runs import write_avro
from tests.pipeline.init.starters import log_columns, write_csv, write_parquet

CSV = "device,price,click\na,1.5,0\nb,2,1\na,,0\n"


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sampled(path: Path, rows: int = 1000) -> pa.Table:
    return read_sample(find_files(path), rows).table


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", CSV.encode(), "csv"),
        ("a.TSV", b"a\tb\n1\t2\n", "csv"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0), "csv"),
        ("a.csv.bz2", bz2.compress(CSV.encode()), "csv"),
        ("a.data", CSV.encode(), "csv"),
        ("census.test.gz", gzip.compress(CSV.encode(), mtime=0), "csv"),
        ("a.parquet", b"", "parquet"),
        ("a", b"PAR1 and so on", "parquet"),
        ("a.avro", b"", "avro"),
        ("a", b"Obj\x01 and so on", "avro"),
        ("data_tfrecord-00000-of-00001.gz", b"", "tfrecord"),
    ],
)
def test_files_are_known_by_name_or_content(
    tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    assert find_files(put(tmp_path / name, content)).kind == kind


@pytest.mark.parametrize("content", [b"", b"one word", b"\0\1\2", b"a sentence, then\nanother\n"])
def test_files_of_no_known_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="file must be CSV, Parquet, Avro or TFRecord"):
        find_files(put(tmp_path / "a.bin", content))


def test_files_of_a_folder_are_taken_in_name_order(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "_SUCCESS", ".hidden.csv"):
        put(tmp_path / name, CSV)
    found = find_files(tmp_path)
    assert [path.name for path in found.files] == ["a.csv", "b.csv"]
    assert found.path == f"{tmp_path}/"


def test_files_beside_others_are_named_by_themselves(tmp_path: Path) -> None:
    put(tmp_path / "SOURCE.md", "# Where from\n")
    put(tmp_path / "a.csv", CSV)
    assert find_files(tmp_path).path == str(tmp_path / "a.csv")
    put(tmp_path / "b.csv", CSV)
    assert find_files(tmp_path).path == f"{tmp_path}/*.csv"
    put(tmp_path / "c.csv.gz", gzip.compress(CSV.encode()))
    with pytest.raises(DataError, match=r"must hold nothing but data files; got SOURCE.md too"):
        find_files(tmp_path)


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", CSV)
    put(tmp_path / "b.parquet", b"")
    with pytest.raises(DataError, match=r"of one kind .*; got csv and parquet in .* b\.parquet"):
        find_files(tmp_path)


def test_files_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"got none in .*, which holds nothing"):
        find_files(tmp_path)
    with pytest.raises(DataError, match="data must be a file or folder; nothing is at"):
        find_files(tmp_path / "gone")


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (CSV, Dialect(",", None, strip_whitespace=False)),
        ("a;b\n1,5;2\n2,5;3\n", Dialect(";", None, strip_whitespace=False)),
        ("a\tb\n1\t2\n", Dialect("\t", None, strip_whitespace=False)),
        ("1, x, 2\n3, y, 4\n", Dialect(",", ("column_00", "column_01", "column_02"), True)),
        ('a,b\n"x, y",2\n"z, w",3\n', Dialect(",", None, strip_whitespace=False)),
        ("\ufeffa,b\n1,2\n", Dialect(",", None, strip_whitespace=False)),
        (",a\n0,x\n1,y\n", Dialect(",", None, strip_whitespace=False)),
        ("a,a\nx,y\n", Dialect(",", ("column_00", "column_01"), strip_whitespace=False)),
    ],
)
def test_dialect_is_guessed_from_the_first_lines(
    tmp_path: Path, text: str, dialect: Dialect
) -> None:
    assert read_dialect(put(tmp_path / "a.csv", text)) == dialect


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must have a line; got .* which is empty"),
        (b"a\n1\n2\n", "must have at least two columns"),
        (b"a,b\n\xff\xfe,2\n", "must be UTF-8 text"),
    ],
)
def test_dialect_of_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_dialect(put(tmp_path / "a.csv", content))


def test_sample_types_columns_of_text(tmp_path: Path) -> None:
    text = (
        "int,float,text,padded,time,zoned,missing,na\n"
        "1,1.5,a,007,2024-01-31 12:00:00,2024-01-31T12:00:00+01:00,?,1\n"
        "2,2,b,012,2024-02-01,2024-02-01T00:00:00Z,?,NA\n"
    )
    table = sampled(put(tmp_path / "a.csv", text))
    assert [str(field.type) for field in table.schema] == [
        "int64",
        "double",
        "string",
        "string",
        "timestamp[us]",
        "timestamp[us, tz=UTC]",
        "null",
        "int64",
    ]


def test_sample_takes_words_for_missing_into_the_settings(tmp_path: Path) -> None:
    text = "x,country,click\n1,NA,0\n?,NL,1\n3,DE,1\n"
    sample = read_sample(find_files(put(tmp_path / "a.csv", text)))
    assert sample.settings == {"null_values": ["", "?"]}
    assert sample.table["country"].to_pylist() == ["NA", "NL", "DE"]
    assert sample.table["x"].to_pylist() == [1, None, 3]


def test_sample_strips_blanks(tmp_path: Path) -> None:
    sample = read_sample(find_files(put(tmp_path / "a.csv", "a, b, c\n1, x, 2.5\n2, ?, 3\n")))
    assert sample.table.to_pydict() == {"a": [1, 2], "b": ["x", None], "c": [2.5, 3.0]}
    assert sample.settings == {"strip_whitespace": True, "null_values": ["", "?"]}


def test_sample_is_bounded_over_files(tmp_path: Path) -> None:
    for index in range(3):
        write_parquet(tmp_path / f"{index}.parquet", log_columns(50, index))
    whole = read_sample(find_files(tmp_path), rows=150)
    assert (whole.table.num_rows, whole.complete) == (150, True)
    part = read_sample(find_files(tmp_path), rows=149)
    assert (part.table.num_rows, part.complete) == (149, False)
    assert part.table.equals(whole.table.slice(0, 149))


def test_sample_unites_types_over_files(tmp_path: Path) -> None:
    write_parquet(tmp_path / "0.parquet", {"x": [1, 2], "y": pa.nulls(2)})
    write_parquet(tmp_path / "1.parquet", {"x": [0.5, 1.5], "y": ["a", "b"]})
    table = sampled(tmp_path)
    assert table["x"].to_pylist() == [1.0, 2.0, 0.5, 1.5]
    assert table["y"].to_pylist() == [None, None, "a", "b"]
    write_parquet(tmp_path / "2.parquet", {"x": ["1"], "y": ["a"]})
    with pytest.raises(DataError, match=r"column 'x' must have one type .*; got double and string"):
        sampled(tmp_path)


def test_sample_refuses_files_of_different_columns(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", CSV)
    put(tmp_path / "b.csv", "x,y\n1,2\n")
    with pytest.raises(DataError, match=r"same columns; b\.csv has other ones than a\.csv"):
        sampled(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "a,b\n1,2\n3\n", r"readable as CSV; got .*a\.csv: .*Expected 2 columns, got 1"),
        ("a.parquet", "no parquet", r"readable as Parquet; got .*a\.parquet"),
        (
            "a.tfrecord",
            "no records but a long text",
            r"readable as TFRecord of tf.Example; got .*a\.tfrecord",
        ),
        ("a.csv.gz", "not gzipped", r"file must be readable; got .*a\.csv\.gz"),
        ("a.csv", "a,b\n", "data must have a row; got none in"),
    ],
)
def test_sample_names_a_file_that_cannot_be_read(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        sampled(put(tmp_path / name, content))


def test_sample_names_a_truncated_parquet_file(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", log_columns(500))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="readable as Parquet"):
        sampled(path)


def test_sample_reads_examples(tmp_path: Path) -> None:
    from tests.components.tf_examples import Row, write_records

    rows: list[Row] = [
        {"device": "ab"[i % 2], "click": i % 2, "tags": ["x", "y"][: i % 3], "rare": None}
        for i in range(10)
    ]
    rows[7] = {**rows[7], "rare": 0.5}
    write_records(tmp_path / "log", rows, shards=2)
    table = sampled(tmp_path / "log")
    assert sorted(table.column_names) == ["click", "device", "rare", "tags"]
    assert table["click"].to_pylist() == [0, 1] * 5
    assert table["device"].to_pylist() == ["a", "b"] * 5
    assert table["rare"].to_pylist() == [None] * 7 + [0.5, None, None]
    assert table["tags"].to_pylist()[2] == ["x", "y"]


def test_sample_of_csv_and_parquet_needs_no_tensorflow(tmp_path: Path) -> None:
    paths = [
        str(write_csv(tmp_path / "a.csv", log_columns(300))),
        str(write_parquet(tmp_path / "a.parquet", log_columns(300))),
    ]
    program = (
        "import json, sys; from pathlib import Path\n"
        "from rankbeam.pipeline.init.starter import infer_config\n"
        "for path in json.loads(sys.argv[1]): infer_config(Path(path))\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, json.dumps(paths)], check=True)


def test_avro_columns_have_their_types_and_odd_ones_are_no_values(tmp_path: Path) -> None:
    fields = [
        {"name": "device", "type": ["null", "string"]},
        {"name": "click", "type": "boolean"},
        {"name": "nested", "type": {"type": "map", "values": "int"}},
    ]
    rows = [
        {"device": "a", "click": False, "nested": {"x": 1}},
        {"device": None, "click": True, "nested": {}},
    ]
    write_avro(tmp_path / "a.avro", fields, rows)
    table = sampled(tmp_path / "a.avro")
    assert table.select(["device", "click"]).to_pydict() == {
        "device": ["a", None],
        "click": [False, True],
    }
    kinds = {column.name: column.kind for column in columns_of(table)}
    assert kinds == {"device": "text", "click": "int", "nested": "other"}
