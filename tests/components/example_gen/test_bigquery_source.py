"""BigQuery through Google's own client, against a server that speaks its REST API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth
import pyarrow as pa
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from pydantic import ValidationError
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.example_gen.executor import ArrowExampleGenExecutor, pack_spec
from rankbeam.components.example_gen.ingest import ingest
from rankbeam.components.example_gen.sources import bigquery as bigquery_source
from rankbeam.components.example_gen.sources.bigquery import query_digest, query_text, read_query
from rankbeam.components.example_gen.spec import DataSpec, ExampleGenSpec
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault
from tests.components.example_gen.bigquery_server import Known, serving, storage_serving
from tests.components.example_gen.runs import Row, read_split

_QUERY = "SELECT * FROM d.log  -- all of it"
_NOON_US = "1706702400000000"
_BY_USER = {"kind": "entity_hash", "column": "user", "eval_fraction": 0.5}
_ALL_TRAIN = {"kind": "time", "column": "at", "boundary": "2999-01-01"}

# Every value that TFX's own readers lose, or that its converter refuses.
_FIELDS = [
    ("user", "STRING", "NULLABLE", ["", "0", "naïve", None]),
    ("price", "FLOAT", "NULLABLE", ["0.0", "1.5", "NaN", None]),
    ("click", "INTEGER", "NULLABLE", ["0", "1", None, "0"]),
    ("seen", "BOOLEAN", "NULLABLE", ["false", "true", None, "false"]),
    ("tags", "STRING", "REPEATED", [[], ["a"], ["b", ""], ["c"]]),
    ("cost", "NUMERIC", "NULLABLE", ["0", "1.25", None, "-2"]),
    ("at", "TIMESTAMP", "REQUIRED", [_NOON_US] * 4),
    ("day", "DATE", "NULLABLE", ["2024-01-31", None, "1970-01-01", "1970-01-02"]),
    ("raw", "BYTES", "NULLABLE", ["", "/wA=", None, "AAA="]),
]
_EXPECTED: list[Row] = [
    {
        **{"user": [b""], "price": [0.0], "click": [0], "seen": [0], "tags": [], "cost": [0.0]},
        **{"at": [int(_NOON_US)], "day": [1_706_659_200_000_000], "raw": [b""]},
    },
    {
        **{"user": [b"0"], "price": [1.5], "click": [1], "seen": [1], "tags": [b"a"]},
        **{"cost": [1.25], "at": [int(_NOON_US)], "day": [], "raw": [b"\xff\x00"]},
    },
    {
        **{"user": ["naïve".encode()], "price": [], "click": [], "seen": [], "tags": [b"b", b""]},
        **{"cost": [], "at": [int(_NOON_US)], "day": [0], "raw": []},
    },
    {
        **{"user": [], "price": [], "click": [0], "seen": [0], "tags": [b"c"], "cost": [-2.0]},
        **{"at": [int(_NOON_US)], "day": [86_400_000_000], "raw": [b"\x00\x00"]},
    },
]
_COLUMNS = {name: {"price": "float", "click": "int"}.get(name) for name, *_ in _FIELDS}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Known]:
    """A service that knows four rows, reached without credentials."""
    fields = [{"name": name, "type": kind, "mode": mode} for name, kind, mode, _ in _FIELDS]
    rows = [list(row) for row in zip(*(values for *_, values in _FIELDS), strict=True)]
    held = Known(_QUERY, fields, rows)
    credentials = (AnonymousCredentials(), "paying")
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: credentials)
    with serving(held) as url:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", url)
        yield held


def _source(**more: Any) -> dict[str, Any]:
    return {"kind": "bigquery", "query": _QUERY, "project": "paying", "api": "rest", **more}


def _spec(
    split: dict[str, Any] = _ALL_TRAIN, columns: dict[str, Any] = _COLUMNS, **more: Any
) -> ExampleGenSpec:
    return ExampleGenSpec.model_validate(
        {
            "data": {"source": _source(**more), "split": split},
            "columns": columns,
            "multivalent": ("tags",),
        }
    )


def _bigquery(**fields: Any) -> BigQuerySource:
    return BigQuerySource.model_validate(_source(**fields))


def test_bigquery_rows_keep_every_value(known: Known, tmp_path: Path) -> None:
    counts = ingest(_spec(), {"all": [_QUERY]}, str(tmp_path))
    assert read_split(tmp_path, "train") == _EXPECTED
    assert counts["train"].labels["click"].zero == 2
    assert known.asked == [
        "SELECT " + ", ".join(f"`{name}`" for name, *_ in _FIELDS) + f" FROM (\n{_QUERY}\n)"
    ]


def test_bigquery_reads_page_by_page(known: Known, tmp_path: Path) -> None:
    known.rows = [known.rows[number % 4] for number in range(40_000)]
    batches = list(read_query(_QUERY, _bigquery(), {"click": "a label", "user": "a feature"}))
    assert len(batches) == 3
    assert sum(batch.num_rows for batch in batches) == 40_000
    assert batches[2].column(0)[-1].as_py() == 0


def test_bigquery_rows_come_through_the_storage_api_as_they_are(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Google's client fetches results of one page, which came along with the answer, by REST.
    known.rows = [known.rows[0]] * 40_000
    table = pa.table({"click": [0, None] * 500, "user": [""] * 1000})
    sessions: list[Any] = []
    with storage_serving(table, sessions) as client:
        monkeypatch.setattr(bigquery_source, "_storage_client", lambda *_: client)
        wanted = {"click": "a label", "user": "a feature"}
        batches = list(read_query(_QUERY, _bigquery(api="storage"), wanted))
    assert sum(batch.num_rows for batch in batches) == 1000
    assert max(batch.num_rows for batch in batches) == 100
    for batch in batches:
        assert set(batch.column(0).to_pylist()) == {0, None}
        assert set(batch.column(1).to_pylist()) == {""}
    [session] = sessions
    assert session.read_session.table.startswith("projects/paying/datasets/anonymous/tables/")
    assert session.parent == "projects/paying"


def test_bigquery_splits_by_column(known: Known, tmp_path: Path) -> None:
    known.rows = [[f"u{number % 20}", *known.rows[0][1:]] for number in range(400)]
    ingest(_spec(_BY_USER, {"user": "string"}), {"all": [_QUERY]}, str(tmp_path))
    users = [{row["user"][0] for row in read_split(tmp_path, split)} for split in ("train", "eval")]
    assert users[0]
    assert users[1]
    assert not users[0] & users[1]


def test_bigquery_splits_by_the_last_fraction_of_time(known: Known, tmp_path: Path) -> None:
    place = [name for name, *_ in _FIELDS].index("at")
    for row, moment in zip(known.rows, (4, 1, 3, 2), strict=True):
        assert isinstance(row, list)
        row[place] = str(moment)
    split = {"kind": "time", "column": "at", "eval_fraction": 0.25}
    ingest(_spec(split, {"at": None}), {"all": [_QUERY]}, str(tmp_path))
    assert sorted(row["at"] for row in read_split(tmp_path, "train")) == [[1], [2], [3]]
    assert [row["at"] for row in read_split(tmp_path, "eval")] == [[4]]
    assert len(known.asked) == 2


def test_bigquery_settings_reach_the_service(known: Known) -> None:
    source = _bigquery(location="EU", max_gb_billed=1.5)
    list(read_query(_QUERY, source, {"click": "a label"}))
    dry, real = known.configurations
    assert dry["dryRun"] is True
    assert real["query"]["maximumBytesBilled"] == "1500000000"
    assert real["query"]["useLegacySql"] is False


def test_bigquery_column_missing_is_named_before_anything_is_billed(known: Known) -> None:
    with pytest.raises(DataError, match=r"result must hold column 'clik' .*nearest is 'click'"):
        list(read_query(_QUERY, _bigquery(), {"clik": "a label"}))
    assert known.asked == []


def test_bigquery_value_that_does_not_fit_is_named(known: Known, tmp_path: Path) -> None:
    spec = _spec(columns={"user": "float"})
    with pytest.raises(
        DataError, match=r"query's result row 3: column 'user' must hold numbers; got 'naïve'"
    ):
        ingest(spec, {"all": [_QUERY]}, str(tmp_path))


def test_bigquery_record_is_refused(known: Known, tmp_path: Path) -> None:
    inner = {"name": "x", "type": "INTEGER", "mode": "NULLABLE"}
    known.fields = [{"name": "r", "type": "RECORD", "mode": "NULLABLE", "fields": [inner]}]  # type: ignore[dict-item]
    known.rows = [[{"f": [{"v": "1"}]}]]
    split = {"kind": "entity_hash", "column": "r"}
    with pytest.raises(DataError, match=r"column 'r' .*must"):
        ingest(_spec(split, {"r": None}), {"all": [_QUERY]}, str(tmp_path))


@pytest.mark.parametrize(
    ("status", "fault", "rule"),
    [
        (400, ConfigError, r"data.source.query must be one that BigQuery takes; got .*why"),
        (401, EnvironmentFault, r"BigQuery needs Google's credentials; "),
        (403, EnvironmentFault, r"BigQuery must allow the query; got .*why"),
        (404, DataError, r"data.source must read tables that are there; got .*why"),
        (501, EnvironmentFault, r"BigQuery must answer; got .*why"),
    ],
)
def test_bigquery_refusals_say_who_has_to_act(
    known: Known, status: int, fault: type[Exception], rule: str
) -> None:
    known.error = (status, "this is why")
    with pytest.raises(fault, match=rule):
        query_digest(_bigquery(), None)


def test_bigquery_without_credentials_is_the_environments_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DefaultCredentialsError("none were found")

    monkeypatch.setattr(google.auth, "default", refuse)
    with pytest.raises(EnvironmentFault, match=r"needs Google's credentials; none were found"):
        list(read_query(_QUERY, _bigquery(), {"click": "a label"}))


def test_bigquery_digest_changes_with_query_and_table(known: Known) -> None:
    first = query_digest(_bigquery(), None)
    assert query_digest(_bigquery(), None) == first
    known.modified_ms += 1000
    assert query_digest(_bigquery(), None) != first
    assert query_digest(_bigquery(query="SELECT 1"), None) != query_digest(_bigquery(), None)
    assert known.asked == []


def test_bigquery_span_is_a_utc_day() -> None:
    source = _bigquery(
        query="SELECT * FROM d.log WHERE s >= @span_begin_timestamp AND s < @span_end_timestamp "
        "AND day = @span_yyyymmdd_utc;"
    )
    assert query_text(source, 2) == (
        "SELECT * FROM d.log WHERE s >= 172800 AND s < 259200 AND day = '19700103'"
    )
    with pytest.raises(ConfigError, match=r"--span must be given where data.source.query has"):
        query_text(source, None)
    with pytest.raises(ConfigError, match=r"where a span is asked for; got span 2"):
        query_text(_bigquery(), 2)


def test_bigquery_table_is_a_query_for_all_of_it() -> None:
    assert _bigquery(query=None, table="p.d.log").sql == "SELECT * FROM `p.d.log`"


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ({"query": None}, "must set one of query and table"),
        ({"table": "d.log"}, "must set one of query and table"),
        ({"query": None, "table": "log"}, "should match pattern"),
        ({"query": None, "table": "d.log` UNION"}, "should match pattern"),
        ({"project": "no such thing"}, "should match pattern"),
        ({"location": "EU; DROP"}, "should match pattern"),
        ({"max_gb_billed": 0}, "greater than 0"),
        ({"api": "soap"}, "'storage' or 'rest'"),
    ],
)
def test_bigquery_settings_that_cannot_be_are_refused(source: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        _bigquery(**source)


@pytest.mark.parametrize("kind", ["row_hash", "folders"])
def test_bigquery_refuses_splits_by_order_or_folder(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"must be entity_hash or time .*; got {kind}"):
        DataSpec.model_validate({"source": _source(), "split": {"kind": kind}})


def test_bigquery_node_is_tfxs_with_our_executor() -> None:
    query = "SELECT * FROM d.log WHERE day = @span_yyyymmdd_utc"
    node = example_gen(_spec(query=query), "/nowhere", span=19_000)
    assert type(node).__name__ == "BigQueryExampleGen"
    assert node.id == "ExampleGen"
    assert node.executor_spec.executor_class is ArrowExampleGenExecutor
    assert "19000" in node.exec_properties["range_config"]
    with pytest.raises(ConfigError, match=r"--span must be given"):
        example_gen(_spec(query=query), "/nowhere")


def test_bigquery_executor_writes_the_splits(known: Known, tmp_path: Path) -> None:
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    split = example_gen_pb2.Input.Split(name="single_split", pattern=_QUERY)
    properties = {
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=[split])),
        "custom_config": proto_utils.proto_to_json(pack_spec(_spec())),
    }
    executor: Any = ArrowExampleGenExecutor()
    executor.Do({}, {"examples": [examples]}, properties)
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "eval"]
    assert read_split(tmp_path, "train") == _EXPECTED
