"""Avro files, from bytes to rows."""

import datetime
import decimal
import random
import uuid
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from rankbeam.components.example_gen.sources.avro import all_columns, read_avro
from rankbeam.components.example_gen.values import to_feature
from rankbeam.transform.errors import DataError, EnvironmentFault
from tests.components.example_gen.runs import make_spec, run, run_all, write_avro

_NOON = datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.timezone.utc)
_NOON_MICROSECONDS = 1_706_702_400_000_000
_DAY_MICROSECONDS = 1_706_659_200_000_000


def _logical(kind: str, logical: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": logical, **more}


def _written(path: Path, kind: Any, values: list[Any], codec: str = "null") -> pa.Array:
    fields = [{"name": "other", "type": "int"}, {"name": "a", "type": kind}]
    write_avro(path, fields, [{"other": 0, "a": value} for value in values], codec)
    [batch] = read_avro(str(path), {"a": "a feature"})
    assert batch.schema.names == ["a"]
    return batch.column(0)


@pytest.mark.parametrize(
    ("kind", "stored", "feature", "values"),
    [
        ("boolean", [True, False], pa.int64(), [[1], [0]]),
        (["null", "boolean"], [False, None], pa.int64(), [[0], None]),
        ("int", [0, -7], pa.int64(), [[0], [-7]]),
        (["long", "null"], [0, None, 2**63 - 1], pa.int64(), [[0], None, [2**63 - 1]]),
        (["null", "int", "long"], [0, 2**40, None], pa.int64(), [[0], [2**40], None]),
        (["null", "float"], [0.0, None, 1.5], pa.float32(), [[0.0], None, [1.5]]),
        ("double", [0.0, float("nan"), float("inf")], pa.float32(), [[0.0], None, [float("inf")]]),
        (["float", "double"], [0.0, 1.5], pa.float32(), [[0.0], [1.5]]),
        (["null", "string"], ["", "é", None], pa.binary(), [[b""], ["é".encode()], None]),
        ("bytes", [b"", b"\xff\x00"], pa.binary(), [[b""], [b"\xff\x00"]]),
        ({"type": "fixed", "name": "F", "size": 2}, [b"ab"], pa.binary(), [[b"ab"]]),
        ({"type": "enum", "name": "E", "symbols": ["x", "y"]}, ["y"], pa.binary(), [[b"y"]]),
        (
            ["null", _logical("string", "uuid")],
            [uuid.UUID(int=5), None],
            pa.binary(),
            [[b"00000000-0000-0000-0000-000000000005"], None],
        ),
        (
            _logical("bytes", "decimal", precision=9, scale=2),
            [decimal.Decimal("0.00"), decimal.Decimal("-1.25")],
            pa.float32(),
            [[0.0], [-1.25]],
        ),
        (
            _logical("bytes", "decimal", precision=50, scale=2),
            [decimal.Decimal("1.25")],
            pa.float32(),
            [[1.25]],
        ),
        (_logical("int", "date"), [_NOON.date()], pa.int64(), [[_DAY_MICROSECONDS]]),
        (
            ["null", _logical("long", "timestamp-millis")],
            [_NOON, None],
            pa.int64(),
            [[_NOON_MICROSECONDS], None],
        ),
        (_logical("long", "timestamp-micros"), [_NOON], pa.int64(), [[_NOON_MICROSECONDS]]),
        (_logical("long", "timestamp-nanos"), [1999], pa.int64(), [[1]]),
        (
            _logical("long", "local-timestamp-micros"),
            [_NOON.replace(tzinfo=None)],
            pa.int64(),
            [[_NOON_MICROSECONDS]],
        ),
        (
            ["null", {"type": "array", "items": ["null", "string"]}],
            [["b", None, ""], [], None],
            pa.binary(),
            [[b"b", b""], [], None],
        ),
        ({"type": "array", "items": "long"}, [[0, 1]], pa.int64(), [[0, 1]]),
        ("null", [None, None], pa.int64(), [None, None]),
    ],
)
def test_avro_types_keep_their_values(
    tmp_path: Path, kind: Any, stored: list[Any], feature: pa.DataType, values: list[Any]
) -> None:
    found = to_feature(_written(tmp_path / "a.avro", kind, stored), None, multivalent=True)
    assert (found.type.value_type, found.to_pylist()) == (feature, values)


def test_avro_named_type_is_found_again_below_its_namespace(tmp_path: Path) -> None:
    size = {"type": "enum", "name": "shop.Size", "symbols": ["S", "M"]}
    fields = [{"name": "a", "type": size}, {"name": "b", "type": ["null", "shop.Size"]}]
    write_avro(tmp_path / "log", fields, [{"a": "S", "b": None}, {"a": "M", "b": "M"}] * 5)
    rows = run_all(make_spec("log", "avro", columns={"b": "string"}), tmp_path)
    assert sorted(row["b"] for row in rows) == [[]] * 5 + [[b"M"]] * 5


@pytest.mark.parametrize(
    ("kind", "got"),
    [
        ({"type": "record", "name": "R", "fields": []}, "record"),
        (["null", {"type": "map", "values": "int"}], "map"),
        ({"type": "array", "items": {"type": "map", "values": "int"}}, "map"),
        (_logical("long", "time-micros"), "time-micros"),
        ({"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}, "duration"),
        (["null", "string", "int"], "union of string, int32"),
    ],
)
def test_avro_type_without_counterpart_is_named_where_it_is_wanted(
    tmp_path: Path, kind: Any, got: str
) -> None:
    fields = [{"name": "ok", "type": "int"}, {"name": "a", "type": kind}]
    write_avro(tmp_path / "log", fields, [])
    with pytest.raises(
        DataError, match=rf"log: column 'a' must hold numbers, text, .* of them; got {got}$"
    ):
        list(read_avro(str(tmp_path / "log"), {"a": "a feature"}))
    assert list(read_avro(str(tmp_path / "log"), {"ok": "a feature"})) == []


def test_avro_column_missing_is_named(tmp_path: Path) -> None:
    write_avro(tmp_path / "log", [{"name": "click", "type": "int"}], [{"click": 1}])
    with pytest.raises(DataError, match=r"column 'clik' \(wanted by a label\); nearest is 'click'"):
        list(read_avro(str(tmp_path / "log"), {"clik": "a label"}))


def test_avro_of_no_records_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        fastavro.writer(file, "int", [1, 2])
    with pytest.raises(DataError, match=r"log must hold records; got int"):
        list(read_avro(str(tmp_path / "log"), {"a": "a label"}))


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "snappy"])
def test_avro_codecs_are_read(tmp_path: Path, codec: str) -> None:
    if codec == "snappy":
        pytest.importorskip("cramjam", reason="snappy needs cramjam")
    values = [number % 7 for number in range(9_000)]
    write_avro(
        tmp_path / "a", [{"name": "a", "type": "int"}], [{"a": value} for value in values], codec
    )
    batches = list(read_avro(str(tmp_path / "a"), {"a": "a label"}))
    assert [value for batch in batches for value in batch.column(0).to_pylist()] == values
    assert max(batch.num_rows for batch in batches) < 9_000


def test_avro_codec_that_is_not_installed_is_the_environments_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_avro(tmp_path / "a", [{"name": "a", "type": "int"}], [{"a": 1}])

    def refuse(file: object) -> object:
        raise ValueError("lz4 codec is supported but you need to install lz4")

    monkeypatch.setattr(fastavro, "block_reader", refuse)
    with pytest.raises(EnvironmentFault, match=r"a must have an installed codec; got lz4"):
        list(read_avro(str(tmp_path / "a"), {"a": "a label"}))


def _small_file(path: Path) -> bytes:
    fields = [{"name": "a", "type": ["null", "long"]}, {"name": "b", "type": "string"}]
    write_avro(path, fields, [{"a": i, "b": str(i)} for i in range(300)], "deflate", 200)
    return path.read_bytes()


def test_avro_cut_anywhere_but_between_blocks_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "f.avro"
    whole = _small_file(path)
    with path.open("rb") as file:
        blocks = [(block.offset, block.num_records) for block in fastavro.block_reader(file)]
    assert len(blocks) > 5
    starts = {offset for offset, _ in blocks}
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        if size in starts:
            rows = sum(batch.num_rows for batch in all_columns(str(path)))
            assert rows == sum(count for offset, count in blocks if offset < size)
        else:
            with pytest.raises(DataError, match=r"f.avro must be readable as Avro; "):
                list(all_columns(str(path)))


def test_avro_damage_is_one_error_or_none(tmp_path: Path) -> None:
    path = tmp_path / "f.avro"
    whole = _small_file(path)
    chosen = random.Random(0)
    said: list[str] = []
    for _ in range(400):
        broken = bytearray(whole)
        broken[chosen.randrange(len(whole))] ^= chosen.randrange(1, 256)
        path.write_bytes(broken)
        try:
            list(read_avro(str(path), {"a": "a label", "b": "a feature"}))
        except (DataError, EnvironmentFault) as error:
            said.append(str(error))
    # The rest are bits that mean nothing, and numbers that became others.
    assert len(said) > 200
    assert [text for text in said if not text.startswith(f"{path} must ") or "\n" in text] == []


def test_avro_damage_leaves_no_output(tmp_path: Path) -> None:
    whole = _small_file(tmp_path / "log")
    (tmp_path / "log").write_bytes(whole[: len(whole) // 2 + 1])
    with pytest.raises(DataError, match=r"log must be readable as Avro; "):
        run(make_spec("log", "avro", columns={"a": "int"}), tmp_path)
    assert list((tmp_path / "output").iterdir()) == []
