"""ExampleGen where the data lie behind a URI: the driver finds the span, the executor reads it."""

from pathlib import Path
from typing import Any

import pytest
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.orchestration import data_types
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.example_gen.executor import ArrowExampleGenExecutor
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.components.remote.files import upload, write_bytes
from rankbeam.transform.errors import DataError
from tests.components.example_gen.logged import example, ranked, write_log
from tests.components.example_gen.runs import Row, make_spec, read_split, write_parquet

_ALL_TRAIN = {"kind": "time", "column": "timestamp", "boundary": 2e18}


def _upload(folder: Path, place: str) -> None:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        upload(path, f"{place}/{path.relative_to(folder).as_posix()}")


def _drive(spec: ExampleGenSpec, span: int | None) -> dict[str, Any]:
    """A node's execution properties, as the driver hands them on."""
    node = example_gen(spec, "/nowhere", span)
    properties = {
        name: value if isinstance(value, str | int) else proto_utils.proto_to_json(value)
        for name, value in node.exec_properties.items()
        if value is not None
    }
    nameless = data_types.PipelineInfo("", "")
    driven: dict[str, Any] = FileBasedDriver(None).resolve_exec_properties(
        properties, nameless, data_types.ComponentInfo("", "", nameless)
    )
    return driven


def _rows(spec: ExampleGenSpec, folder: Path, span: int | None = None) -> list[Row]:
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    ArrowExampleGenExecutor().Do({}, {"examples": [examples]}, _drive(spec, span))
    return read_split(folder, "train")


def _table(place: str, **source: Any) -> ExampleGenSpec:
    path = f"{place}/span-{{SPAN}}/*.parquet"
    columns = {"user": "string", "timestamp": "int"}
    return make_spec(path, columns=columns, split=_ALL_TRAIN, **source)


@pytest.mark.parametrize(("span", "users"), [(None, [b"c", b"d", b"e"]), (2, [b"a", b"b"])])
def test_span_is_found_and_its_files_are_read(
    place: str, tmp_path: Path, span: int | None, users: list[bytes]
) -> None:
    for name, content in {"2/a": "ab", "10/a": "cd", "10/b": "e"}.items():
        columns = {"user": list(content), "timestamp": [1] * len(content)}
        write_parquet(tmp_path / f"data/span-{name}.parquet", columns)
    _upload(tmp_path / "data", place)
    write_bytes(f"{place}/span-10/_SUCCESS", b"")
    write_bytes(f"{place}/span-10/deep/c.parquet", b"not in the folder itself")
    spec = _table(place)
    assert _drive(spec, span)["span"] == (span or 10)
    assert [row["user"] for row in _rows(spec, tmp_path / "out", span)] == [[u] for u in users]


def test_driver_notices_a_file_that_is_new(place: str, tmp_path: Path) -> None:
    write_parquet(tmp_path / "data/span-1/a.parquet", {"user": ["a"], "timestamp": [1]})
    _upload(tmp_path / "data", place)
    first = _drive(_table(place), None)["input_fingerprint"]
    assert _drive(_table(place), None)["input_fingerprint"] == first
    upload(tmp_path / "data/span-1/a.parquet", f"{place}/span-1/b.parquet")
    assert _drive(_table(place), None)["input_fingerprint"] != first


def test_damaged_file_is_named(place: str, tmp_path: Path) -> None:
    write_bytes(f"{place}/span-1/a.parquet", b"no table")
    with pytest.raises(DataError, match=rf"^{place}/span-1/a.parquet must be readable as Parquet"):
        _rows(_table(place), tmp_path / "out")


def test_request_log_is_joined_with_its_outcomes(place: str, tmp_path: Path) -> None:
    asked = [
        ranked(name, [example(a=[base]), example(a=[base + 1])], click=[0.5] * 2)
        for name, base in (("r1", 10), ("r2", 20))
    ]
    write_log(tmp_path / "data/log", asked)
    [span] = {path.parent.name for path in (tmp_path / "data/log").glob("*/*.tfrecord")}
    outcomes = {"request_id": ["r1", "r2"], "position": [1, 0], "click": [1, 1]}
    write_parquet(tmp_path / f"data/outcomes/{span}/a.parquet", outcomes)
    _upload(tmp_path / "data", place)
    spec = make_spec(
        f"{place}/log/{{SPAN}}/",
        "request_log",
        columns={"a": None, "click": "int"},
        split={**_ALL_TRAIN, "boundary": "2999-01-01"},
        outcomes={"kind": "parquet", "path": f"{place}/outcomes/{{SPAN}}/"},
        unmatched="zero",
    )
    rows = {row["a"][0]: row["click"] for row in _rows(spec, tmp_path / "out")}
    assert rows == {10: [0], 11: [1], 20: [1], 21: [0]}
