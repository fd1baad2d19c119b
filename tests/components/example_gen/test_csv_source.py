"""CSV files, from bytes to rows."""

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest

from rankbeam.components.example_gen.sources.delimited import read_csv
from rankbeam.components.example_gen.spec import CsvSource
from rankbeam.transform.errors import DataError

_WANTED = {"a": "a feature", "b": "a label"}


def _read(
    path: Path,
    content: bytes | None = None,
    wanted: tuple[str, ...] = ("a", "b"),
    multivalent: tuple[str, ...] = (),
    **options: Any,
) -> dict[str, list[Any]]:
    if content is not None:
        path.write_bytes(content)
    source = CsvSource(kind="csv", path="unused", **options)
    names = {name: _WANTED.get(name, "a feature") for name in wanted}
    rows: dict[str, list[Any]] = {name: [] for name in wanted}
    for batch in read_csv(str(path), source, names, multivalent):
        for name, values in batch.to_pydict().items():
            rows[name] += values
    return rows


def test_csv_tells_quoted_nothing_from_nothing(tmp_path: Path) -> None:
    content = b'a,b\n0,\n"",""\n,"x,y"\n" ","line 1\nline 2"\n"say ""hi""",\xc3\xa9\n'
    assert _read(tmp_path / "f.csv", content) == {
        "a": ["0", "", None, " ", 'say "hi"'],
        "b": [None, "", "x,y", "line 1\nline 2", "é"],
    }


def test_csv_reads_only_wanted_columns_in_any_order(tmp_path: Path) -> None:
    assert _read(tmp_path / "f.csv", b"x,b,a\n1,2,3\n") == {"a": ["3"], "b": ["2"]}


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa,b\r\n1,2\r\n", b"a,b\n1,2", b"a,b\n\n1,2\n\n"])
def test_csv_takes_marks_line_ends_and_empty_lines(tmp_path: Path, content: bytes) -> None:
    assert _read(tmp_path / "f.csv", content) == {"a": ["1"], "b": ["2"]}


def test_csv_without_header_takes_given_names(tmp_path: Path) -> None:
    rows = _read(tmp_path / "f.csv", b"1;2\n3;4\n", column_names=("b", "a"), delimiter=";")
    assert rows == {"a": ["2", "4"], "b": ["1", "3"]}


def test_csv_null_values_replace_the_default(tmp_path: Path) -> None:
    rows = _read(tmp_path / "f.csv", b'a,b\nNA,\n"NA",?\n', null_values=("NA", "?"))
    assert rows == {"a": [None, "NA"], "b": ["", None]}


def test_csv_strips_names_and_values_before_anything_else(tmp_path: Path) -> None:
    content = b'a , b\n x, y \n ?,  \n"?"," z"\n'
    rows = _read(tmp_path / "f.csv", content, strip_whitespace=True, null_values=("", "?"))
    assert rows == {"a": ["x", None, "?"], "b": ["y", None, "z"]}


def test_csv_splits_cells_of_multivalent_columns(tmp_path: Path) -> None:
    content = b'a,b\nx|y,1\n,2\n"",3\nx||y,4\n" p | q ",5\n'
    rows = _read(tmp_path / "f.csv", content, multivalent=("a",))
    assert rows["a"] == [["x", "y"], None, [], ["x", "", "y"], [" p ", " q "]]
    rows = _read(tmp_path / "f.csv", content, multivalent=("a",), strip_whitespace=True)
    assert rows["a"][4] == ["p", "q"]
    rows = _read(tmp_path / "f.csv", b"a,b\nx;y|z,1\n", multivalent=("a",), list_separator=";")
    assert rows["a"] == [["x", "y|z"]]


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".csv.gz", gzip.compress), (".csv.bz2", bz2.compress)]
)
def test_csv_reads_compressed_files(tmp_path: Path, suffix: str, compress: Any) -> None:
    content = b"a,b\n" + b"1,2\n" * 10_000
    rows = _read(tmp_path / f"f{suffix}", compress(content))
    assert rows == {"a": ["1"] * 10_000, "b": ["2"] * 10_000}


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.bz2"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "plain"])
def test_csv_damaged_compression_is_named(tmp_path: Path, suffix: str, damage: str) -> None:
    content = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5_000))
    packed = bytearray((gzip if suffix.endswith("gz") else bz2).compress(content))
    if damage == "truncated":
        packed = packed[: len(packed) // 2]
    elif damage == "flipped":
        packed[len(packed) // 2] ^= 0xFF
    else:
        packed = bytearray(content)
    with pytest.raises(DataError, match=rf"f{suffix} must be readable as CSV; "):
        _read(tmp_path / f"f{suffix}", bytes(packed))


_MANY = b"1,2\n" * 200


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must be readable as CSV; Empty CSV file"),
        (b"a,b\n" + _MANY + b"1,2,3\n" + _MANY, r"Row #202: Expected 2 columns, got 3: 1,2,3"),
        (b"a,b\n" + _MANY + b"1\n" + _MANY, r"Row #202: Expected 2 columns, got 1: 1"),
        (b"a,b\n" + _MANY + b"1,\xff\n", r"column #1: Row #202: .* invalid UTF8"),
        (b"a,b\n1,2\n3,x" + b"y" * (9 << 20) + b"\n5,6\n", "must have rows of at most 1 MB"),
        (b'a,b\n1,"2' + _MANY * 20_000, "line 2: a quote must be closed"),
        (b'a,b\n1,"2' + _MANY * 20_000 + b'"\n', "or a quote that is closed too late"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "must be readable as CSV; .* can't decode byte 0x89"),
        (b"a,c\n1,2\n", r"must hold column 'b' \(wanted by a label\); it holds 'a', 'c'"),
        (b"a,bb\n1,2\n", r"must hold column 'b' \(wanted by a label\); nearest is 'bb'"),
        (b"a,b,a\n1,2,3\n", r"must hold column 'a' \(wanted by a feature\) once; got 2 columns"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', "line 3: a quote must be closed"),
        (b'a,b\n1,"2\n3,4\n', "line 2: a quote must be closed"),
    ],
)
def test_csv_fault_is_one_error(tmp_path: Path, content: bytes, rule: str) -> None:
    with pytest.raises(DataError, match=rule) as caught:
        _read(tmp_path / "f.csv", content)
    assert str(tmp_path / "f.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_csv_names_that_do_not_fit_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Row #1: Expected 3 columns, got 2: 1,2"):
        _read(tmp_path / "f.csv", b"1,2\n", column_names=("a", "b", "c"))


def test_csv_stray_quotes_are_text(tmp_path: Path) -> None:
    rows = _read(tmp_path / "f.csv", b'a,b\n5" pipe,1\n')
    assert rows == {"a": ['5" pipe'], "b": ["1"]}


def test_csv_duplicates_among_other_columns_do_no_harm(tmp_path: Path) -> None:
    assert _read(tmp_path / "f.csv", b"x,x,a,b\n1,2,3,4\n") == {"a": ["3"], "b": ["4"]}
