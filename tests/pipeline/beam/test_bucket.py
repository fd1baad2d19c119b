"""Dataflow's buckets, asked for through Google's client of a server that speaks its REST API."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rankbeam.pipeline.beam.bucket import check_bucket
from rankbeam.pipeline.beam.prepare import prepare_beam
from rankbeam.pipeline.beam.spec import BeamSpec, DataflowSpec
from rankbeam.transform.errors import ConfigError, EnvironmentFault

_SPEC = DataflowSpec(
    project="p",
    region="r",
    temp_location="gs://here/tmp",
    sdk_container_image="registry/rankbeam:1",
)
_STATUS = {"here": 200, "forbidden": 403}


class _Storage(BaseHTTPRequestHandler):
    """Knows the buckets of `_STATUS`."""

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        status = _STATUS.get(name, 404)
        body = json.dumps({"name": name, "error": {"message": f"status {status}"}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Storage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_bucket_that_exists_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    with _storage(monkeypatch):
        check_bucket(_SPEC)
        check_bucket(_SPEC.model_copy(update={"staging_location": "gs://here"}))


@pytest.mark.parametrize(
    ("field", "location", "message"),
    [
        (
            "temp_location",
            "gs://nowhere/tmp",
            r"in a bucket that exists; got gs://nowhere/tmp, ",
        ),
        (
            "staging_location",
            "gs://nowhere",
            r"in a bucket that exists; got gs://nowhere, and",
        ),
        ("temp_location", "gs://forbidden/t", r"a bucket that can be asked for; .*status 403"),
    ],
)
def test_bucket_that_cannot_be_used_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, field: str, location: str, message: str
) -> None:
    spec = _SPEC.model_copy(update={field: location})
    with (
        _storage(monkeypatch),
        pytest.raises(EnvironmentFault, match=rf"^beam\.dataflow\.{field} must be {message}"),
    ):
        check_bucket(spec)


def test_storage_that_cannot_be_reached_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    with pytest.raises(EnvironmentFault, match=r"^beam\.dataflow\.temp_location must be a buc"):
        check_bucket(_SPEC)


def test_run_on_this_machines_disk_cannot_use_dataflow() -> None:
    message = r"^the runner dataflow must reach the run's artifacts, on gs://; got the folder /out "
    with pytest.raises(ConfigError, match=message):
        prepare_beam(BeamSpec(runner="dataflow", dataflow=_SPEC), None, "/out")
