"""The request log's way to a bucket: through outages, kills and the end of the server."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rankbeam.components.example_gen.reader import Reader
from rankbeam.serving.request_log.reader import read_requests
from tests.components.example_gen.runs import make_spec
from tests.gcs.server import GcsServer
from tests.pipeline.config.examples import write_config
from tests.s3 import S3Server
from tests.serving import tiny_models
from tests.serving.reliability.pushing import push
from tests.serving.reliability.servers import free_port
from tests.serving.waiting import NAME, wait_until

pytestmark = pytest.mark.slow

_PROGRAM = str(Path(sys.executable).parent / "rankbeam")
_SECTION = """\
serving:
  request_log: {{folder: log, archive: {archive}, rotate_mb: 1.0e-6}}  # a file for each request
evaluation:"""


@dataclass
class _Served:
    """A `rankbeam serve` that runs."""

    process: "subprocess.Popen[str]"
    rest: str

    def ask(self, *request_ids: str) -> None:
        """Asks for a score, once for each id."""
        inputs = {"user": [["ada"]], "age": [[3]], "price": [[0.5]], "tags": [["z"]]}
        body = json.dumps({"signature_name": "raw_tensors", "inputs": inputs}).encode()
        for request_id in request_ids:
            url = f"{self.rest}/v1/models/{NAME}:predict"
            request = urllib.request.Request(url, body, {"x-request-id": request_id})
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert len(json.load(answer)["outputs"]["click"]) == 1

    def metric(self, name: str) -> float:
        """A metric of the request log."""
        url = f"{self.rest}/monitoring/prometheus/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        row = f'rankbeam_serving_request_log_{name}{{model="{NAME}"}} '
        return next((float(line[len(row) :]) for line in lines if line.startswith(row)), 0.0)

    def is_available(self) -> bool:
        """Whether the model is."""
        try:
            with urllib.request.urlopen(f"{self.rest}/v1/models/{NAME}", timeout=5) as answer:
                versions = json.load(answer)["model_version_status"]
        except OSError:
            return False
        return any(version["state"] == "AVAILABLE" for version in versions)

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def _serving(folder: Path, environment: Mapping[str, str]) -> Iterator[_Served]:
    port = free_port()
    command = [_PROGRAM, "serve", f"--config={folder / 'c.yaml'}", f"--output={folder / 'out'}"]
    command += ["--port=0", f"--rest_api_port={port}"]
    with (folder / "stderr").open("a") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
            env={**os.environ, **environment},
        )
    try:
        served = _Served(process, f"http://127.0.0.1:{port}")
        wait_until(served.is_available, timeout_s=120.0)
        yield served
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a push of the tiny model."""
    model = tiny_models.save(tmp_path / "saved" / "model")
    push(tmp_path / "out" / "pushed", dict.fromkeys((0.0, 0.5), model))
    return tmp_path


def _configure(folder: Path, archive: str) -> None:
    section = _SECTION.format(archive=archive)
    write_config(folder, "evaluation:", section).rename(folder / "c.yaml")


def _ids(folder: Path, objects: Mapping[str, bytes]) -> list[str]:
    """The request ids of what is in a bucket, in the order of its names."""
    found = []
    for name, content in sorted(objects.items()):
        file = folder / "read"
        file.write_bytes(content)
        assert name.startswith("ranker/20")
        found += [str(record.request_id) for record in read_requests([file])]
    return found


def _left(folder: Path) -> list[Path]:
    return [path for path in (folder / "log").rglob("*") if path.is_file()]


def test_archive_in_a_bucket_gets_all_through_an_outage_and_a_kill(
    folder: Path, s3: S3Server, s3_bucket: str
) -> None:
    _configure(folder, f"{s3_bucket}/ranker/")
    with _serving(folder, s3.environment) as served:
        served.ask("a-1", "a-2")
        wait_until(lambda: len(s3.contents("bucket")) == 2)
        s3.down()
        served.ask("b-1", "b-2")
        wait_until(lambda: len(_left(folder)) == 2)
        served.kill()
    with _serving(folder, s3.environment) as served:
        served.ask("c-1")
        wait_until(lambda: served.metric("archive_failures_total") >= 1)
        wait_until(lambda: served.metric("unarchived_files") == 3, timeout_s=90.0)
        assert served.metric("dropped_total") == 0
        s3.up()
        wait_until(lambda: len(s3.contents("bucket")) == 5, timeout_s=90.0)
        wait_until(lambda: served.metric("archived_files_total") == 3)
        wait_until(lambda: served.metric("unarchived_files") == 0)
        served.ask("d-1", "d-2", "d-3")
        assert served.terminate() == 0
    assert _left(folder) == []
    log = (folder / "stderr").read_text()
    assert "cannot move finished files to s3://bucket/ranker/, will try again" in log
    assert "moving finished files again" in log
    expected = ["a-1", "a-2", "b-1", "b-2", "c-1", "d-1", "d-2", "d-3"]
    assert sorted(_ids(folder, s3.contents("bucket"))) == expected
    files = sorted(f"{s3_bucket}/{name}" for name in s3.contents("bucket"))
    spec = make_spec(f"{s3_bucket}/ranker/*/", "request_log", columns={"request_id": None})
    chunks = [chunk.column("request_id") for chunk in Reader(spec, files).rows(("request_id",))]
    assert sorted(text for chunk in chunks for text in chunk.to_pylist()) == expected


def test_archive_on_gcs_is_complete_when_the_server_has_ended(
    folder: Path, gcs: GcsServer, gcs_bucket: str
) -> None:
    _configure(folder, f"{gcs_bucket}/ranker")
    with _serving(folder, gcs.environment) as served:
        served.ask("a-1", "a-2", "a-3")
        assert served.terminate() == 0
    assert _left(folder) == []
    assert sorted(_ids(folder, gcs.contents("bucket"))) == ["a-1", "a-2", "a-3"]


def test_archive_that_is_away_does_not_keep_the_server_from_ending(
    folder: Path, s3: S3Server, s3_bucket: str
) -> None:
    _configure(folder, f"{s3_bucket}/ranker")
    s3.refuses = lambda *_: True
    with _serving(folder, s3.environment) as served:
        served.ask("a-1")
        assert served.terminate() == 0
    assert len(_left(folder)) == 1
    log = (folder / "stderr").read_text()
    assert f"finished files are left in {folder / 'log'}; the next start moves them" in log


def test_archive_with_a_misspelt_option_is_told_before_anything_is_served(folder: Path) -> None:
    _configure(folder, "s3://bucket/ranker")
    done = subprocess.run(
        [_PROGRAM, "serve", "--config", folder / "c.yaml", "--output", folder / "out"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RANKBEAM_FILE_OPTIONS": "--s3_endpoint=x"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: RANKBEAM_FILE_OPTIONS must hold options of Beam; got --s3_endpoint=x\n"
    )
