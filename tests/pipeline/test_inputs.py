"""What is checked before a run, and what tells the cache that inputs have changed."""

from pathlib import Path
from typing import Any

import pytest

from rankbeam.components.example_gen.sources import bigquery
from rankbeam.components.remote.files import write_bytes
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.inputs import check_destination, input_digests
from rankbeam.transform.errors import DataError, EnvironmentFault
from tests.pipeline.config.examples import write_config

_SOURCE = "{kind: parquet, path: log/*.parquet}"


def _digests(
    folder: Path, path: str, schema: str | None = None, span: int | None = None
) -> dict[str, str]:
    source = f"{{kind: parquet, path: '{path}'}}"
    more = "" if schema is None else f"\n  schema_path: '{schema}'"
    return input_digests(load_config(write_config(folder, _SOURCE, source + more)), span)


def test_local_inputs_change_the_digests(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"1")
    (tmp_path / "s.pbtxt").write_text("")
    first = _digests(tmp_path, "a.parquet", "s.pbtxt")
    assert set(first) == {"ExampleGen", "ImportSchemaGen"}
    (tmp_path / "a.parquet").write_bytes(b"12")
    second = _digests(tmp_path, "a.parquet", "s.pbtxt")
    assert second["ExampleGen"] != first["ExampleGen"]
    assert second["ImportSchemaGen"] == first["ImportSchemaGen"]
    (tmp_path / "s.pbtxt").write_text("feature {}")
    assert _digests(tmp_path, "a.parquet", "s.pbtxt")["ImportSchemaGen"] != first["ImportSchemaGen"]


def test_remote_inputs_change_the_digests(tmp_path: Path, place: str) -> None:
    for span in (1, 2):
        write_bytes(f"{place}/log/{span}/a.parquet", b"x" * span)
    write_bytes(f"{place}/s.pbtxt", b"")
    path = f"{place}/log/{{SPAN}}/"
    first = _digests(tmp_path, path, f"{place}/s.pbtxt")
    assert _digests(tmp_path, path, f"{place}/s.pbtxt") == first
    assert _digests(tmp_path, path, f"{place}/s.pbtxt", 2) == first
    assert _digests(tmp_path, path, span=1)["ExampleGen"] != first["ExampleGen"]
    write_bytes(f"{place}/log/2/b.parquet", b"")
    write_bytes(f"{place}/s.pbtxt", b"feature {}")
    second = _digests(tmp_path, path, f"{place}/s.pbtxt")
    assert all(second[node] != first[node] for node in first)


@pytest.mark.parametrize(
    ("path", "schema", "rule"),
    [
        ("{}/nothing/", None, "must lead to files; nothing is at .*/nothing"),
        ("{}/nothing/{{SPAN}}/", None, "must lead to files; nothing matches .*/nothing"),
        ("{}/log/", "{}/nothing.pbtxt", "data.schema_path must be a readable file; got .*nothing"),
    ],
)
def test_remote_inputs_that_are_not_there_are_named(
    tmp_path: Path, place: str, path: str, schema: str | None, rule: str
) -> None:
    write_bytes(f"{place}/log/a.parquet", b"")
    with pytest.raises(DataError, match=rule):
        _digests(tmp_path, path.format(place), schema and schema.format(place))


def test_destination_in_reach_may_be_missing(place: str, tmp_path: Path) -> None:
    root, _, _ = place.rpartition("/")
    for destination in (place, f"{place}/pushed/", root, str(tmp_path / "nothing")):
        check_destination(destination)


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [("s3_bucket", r".*NoSuchBucket"), ("gcs_bucket", "404 The specified bucket does not exist")],
)
def test_destination_out_of_reach_is_told(
    request: pytest.FixtureRequest, bucket: str, reason: str
) -> None:
    nowhere = request.getfixturevalue(bucket).replace("bucket", "nowhere")
    rule = (
        rf"^push.destination must be in a place that can be reached; got {nowhere}/pushed: "
        rf"{nowhere} must be a bucket in reach; {reason}"
    )
    with pytest.raises(EnvironmentFault, match=rule):
        check_destination(f"{nowhere}/pushed")


def test_place_that_nobody_knows_is_the_environments_fault(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"place that can be reached; got nowhere://a/"):
        _digests(tmp_path, "nowhere://a/b/")


def test_query_is_asked_for_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def digest(source: Any, span: int | None) -> str:
        asked.append((source.sql, span))
        return "digest"

    monkeypatch.setattr(bigquery, "query_digest", digest)
    config = write_config(tmp_path, _SOURCE, "{kind: bigquery, table: d.log}")
    assert input_digests(load_config(config), 3) == {"ExampleGen": "digest"}
    assert asked == [("SELECT * FROM `d.log`", 3)]
