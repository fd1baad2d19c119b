"""Dataflow's buckets, asked for through Google's client of a server that speaks its REST API."""

import pytest

from rankbeam.pipeline.beam.bucket import check_buckets
from rankbeam.pipeline.beam.prepare import prepare_beam
from rankbeam.pipeline.beam.spec import BeamSpec, DataflowSpec
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.gcs.server import GcsServer
from tests.pipeline.beam.storage import storage


def test_bucket_that_exists_passes(gcs: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with storage(gcs, monkeypatch):
        assert check_buckets("p", {"temp_location": "gs://here/tmp"}) == []
        assert check_buckets("p", {"staging_location": "gs://here"}) == []


@pytest.mark.parametrize(
    ("field", "location"),
    [("temp_location", "gs://nowhere/tmp"), ("staging_location", "gs://nowhere")],
)
def test_bucket_that_does_not_exist_is_a_fault(
    gcs: GcsServer, monkeypatch: pytest.MonkeyPatch, field: str, location: str
) -> None:
    message = rf"^beam\.dataflow\.{field} must be in a bucket that exists; got {location}, and no "
    with storage(gcs, monkeypatch), pytest.raises(EnvironmentFault, match=message):
        check_buckets("p", {"temp_location": "gs://here/tmp", field: location})


def test_bucket_that_is_closed_to_who_submits_is_told(
    gcs: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    locations = {"temp_location": "gs://here", "staging_location": "gs://forbidden/staged"}
    with storage(gcs, monkeypatch):
        [reason] = check_buckets("p", locations)
    assert reason.startswith("beam.dataflow.staging_location gs://forbidden/staged: 403 ")


def test_storage_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    [reason] = check_buckets("p", {"temp_location": "gs://here/tmp"})
    assert reason.startswith("beam.dataflow.temp_location gs://here/tmp: ")


def test_run_on_this_machines_disk_cannot_use_dataflow() -> None:
    message = (
        r"^the runner dataflow must reach the run's artifacts, on gs://; got the folder /out "
        r"\(it is for compiled pipelines: rankbeam compile --beam-runner dataflow\)$"
    )
    spec = DataflowSpec(
        project="p", region="r", temp_location="gs://here/tmp", sdk_container_image="registry/r:1"
    )
    with pytest.raises(ConfigError, match=message):
        prepare_beam(BeamSpec(runner="dataflow", dataflow=spec), None, "/out")
