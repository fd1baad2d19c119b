"""A pipeline whose data, schema and models are in buckets, held against the one on local disks."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from tests.e2e.command import Finished, rankbeam
from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import meaning, pushed, records, states
from tests.e2e.scores import scores
from tests.e2e.tiny import IMPORTING_NODES, write_config
from tests.e2e.warm import WarmProcess
from tests.gcs.front import gcs_server
from tests.gcs.server import GcsServer
from tests.s3 import S3Server, s3_server

pytestmark = pytest.mark.slow

_ENVIRONMENT_FAULT = 5
_SCHEMA = "schemas/tiny.pbtxt"
# A run more on each server would take half a minute, and is all the same but for clients, whose
# every operation has tests of its own.
_ON_ONE = pytest.mark.parametrize("buckets", ["s3"], indirect=True, scope="module")


@dataclass(frozen=True)
class Buckets:
    """A server with the buckets `data` and `models`, and one pipeline that uses them.

    Attributes:
        server: The server.
        config: The pipeline's config.
        output: Its output folder.
        process: Runs it.
    """

    server: S3Server | GcsServer
    config: Path
    output: Path
    process: WarmProcess

    @property
    def destination(self) -> str:
        """Where models are pushed to."""
        return f"{self.server.scheme}://models/tiny"

    def add_span(self, market: Path, span: int) -> None:
        """Upload a span of the market."""
        [log] = (market / f"span-{span}" / "log").glob("*.parquet")
        self.server.put("data", f"logs/span-{span}/log/{log.name}", log.read_bytes())

    def run(self, *words: object) -> Finished:
        """Run the pipeline."""
        return self.process.rankbeam("run", self.config, "--output", self.output, *words)

    def download(self, folder: Path) -> Path:
        """Copy the destination to `folder/tiny`."""
        for name, content in self.server.contents("models").items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder


def _places(scheme: str) -> dict[str, str]:
    return {
        "data.source.path": f"{scheme}://data/logs/span-{{SPAN}}/log/*.parquet",
        "data.schema_path": f"{scheme}://data/{_SCHEMA}",
        "push.destination": f"{scheme}://models/tiny",
    }


@contextmanager
def _server(scheme: str, folder: Path) -> Iterator[S3Server | GcsServer]:
    up: AbstractContextManager[S3Server | GcsServer]
    up = s3_server() if scheme == "s3" else gcs_server(folder)
    with up as server:
        yield server


@pytest.fixture(scope="module", params=["s3", "gs"])
def buckets(
    request: pytest.FixtureRequest,
    undisturbed: Undisturbed,
    market: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Buckets]:
    """The server, with the market's first span; where the local run is made, to be made once."""
    folder = tmp_path_factory.mktemp("buckets")
    with (
        _server(request.param, folder) as server,
        mock.patch.dict(os.environ, server.environment),
    ):
        for name in ("data", "models"):
            server.create_bucket(name)
        config, process = write_config(folder, _places(request.param)), WarmProcess()
        made = Buckets(server, config, folder / "out", process)
        made.add_span(market, 1)
        server.put("data", _SCHEMA, undisturbed.schema.read_bytes())
        yield made
        process.close()


@pytest.fixture(scope="module")
def first(buckets: Buckets) -> Finished:
    """The run on the first span."""
    return buckets.run()


@pytest.fixture(scope="module")
def second(buckets: Buckets, market: Path, first: Finished) -> Finished:
    """The run after the second span has come."""
    buckets.add_span(market, 2)
    return buckets.run()


@pytest.fixture(scope="module")
def latest(request: pytest.FixtureRequest, buckets: Buckets) -> Finished:
    """The last of these runs on this server."""
    run: Finished = request.getfixturevalue("second" if buckets.server.scheme == "s3" else "first")
    return run


def test_models_in_a_bucket_are_those_of_a_local_run(
    buckets: Buckets, first: Finished, undisturbed: Undisturbed, market: Path, tmp_path: Path
) -> None:
    assert (first.code, first.err) == (0, "")
    record = records(buckets.output)[0]
    assert states(record) == dict.fromkeys(IMPORTING_NODES, "done")
    assert (record["version"], record["destination"]) == (1, buckets.destination)
    copy = buckets.download(tmp_path)
    assert pushed(copy, "tiny")["1"] == undisturbed.pushed["1"]
    theirs, ours = scores(market, undisturbed.output / "pushed" / "1", copy / "tiny" / "1")
    assert ours == theirs
    assert {len(values) for values in ours.values()} == {3_000}


@_ON_ONE
def test_new_span_in_a_bucket_is_compared_with_the_blessed_model_there(
    buckets: Buckets, second: Finished, tmp_path: Path
) -> None:
    assert (second.code, second.err) == (0, "")
    record = records(buckets.output)[1]
    same = dict.fromkeys(("ImportSchemaGen", "SchemaContract"), "cached")  # the file is the same
    assert states(record) == {**dict.fromkeys(IMPORTING_NODES, "done"), **same}
    assert meaning(record, "Baseline") == "compare with version 1"
    assert meaning(record, "Evaluator").endswith("; BLESSED")
    assert (record["version"], meaning(record, "Pusher")) == (2, "version 2, new")
    versions = pushed(buckets.download(tmp_path), "tiny")
    assert set(versions) == {"1", "2"}  # and no claim
    assert versions["1"] != versions["2"]


def test_same_run_again_reads_no_file_twice(buckets: Buckets, latest: Finished) -> None:
    before, version = buckets.server.contents("models"), records(buckets.output)[-1]["version"]
    buckets.server.requests.clear()
    again = buckets.run()
    assert (again.code, again.err) == (0, "")
    record = records(buckets.output)[-1]
    assert states(record) == {**dict.fromkeys(IMPORTING_NODES, "cached"), "Pusher": "done"}
    assert meaning(record, "Pusher").startswith(f"version {version}, ")
    assert not any(path.endswith(".parquet") for path in buckets.server.reads())
    assert buckets.server.contents("models") == before


@_ON_ONE
def test_push_that_the_bucket_refuses_leaves_it_as_it_was(
    buckets: Buckets, second: Finished
) -> None:
    before = buckets.server.contents("models")
    buckets.server.refuses = lambda method, path, _: (
        method in {"PUT", "POST"} and "/tiny/3/variables/" in path
    )
    refused = buckets.run("--span", 1)
    buckets.server.refuses = None
    assert refused.code == _ENVIRONMENT_FAULT
    error, log = refused.err.splitlines()
    place = buckets.destination
    assert error.startswith(f"error: cannot write push.destination {place}: {place}/3/variables/")
    assert error.endswith(buckets.server.denied)
    assert log.startswith("full log: ")
    record = records(buckets.output)[-1]
    assert list(states(record).items())[-1] == ("Pusher", "failed")
    assert buckets.server.contents("models") == before
    assert buckets.server.unfinished("models") == []


@pytest.mark.parametrize(
    ("field", "path", "found"),
    [
        ("data.source.path", "nowhere/{SPAN}/*.parquet", "nowhere/*/*.parquet"),
        ("push.destination", "nowhere/tiny", "nowhere/tiny"),
    ],
)
def test_bucket_that_is_not_there_is_told_before_anything_runs(
    buckets: Buckets, tmp_path: Path, field: str, path: str, found: str
) -> None:
    scheme = buckets.server.scheme
    config = write_config(tmp_path, {**_places(scheme), field: f"{scheme}://{path}"})
    refused = buckets.process.rankbeam("run", config, "--output", tmp_path / "out")
    assert (refused.code, refused.out) == (_ENVIRONMENT_FAULT, "")
    assert refused.err == (
        f"error: {field} must be in a place that can be reached; got {scheme}://{found}: "
        f"{scheme}://nowhere must be a bucket in reach; {buckets.server.no_bucket}\n"
    )
    assert not (tmp_path / "out").exists()


def test_bucket_that_is_closed_is_told_before_anything_runs(
    buckets: Buckets, tmp_path: Path
) -> None:
    scheme = buckets.server.scheme
    config = write_config(tmp_path, _places(scheme))
    buckets.server.refuses = lambda *_: True
    refused = buckets.process.rankbeam("run", config, "--output", tmp_path / "out")
    buckets.server.refuses = None
    assert (refused.code, refused.out) == (_ENVIRONMENT_FAULT, "")
    [error] = refused.err.splitlines()
    assert error.startswith(
        "error: data.source.path must be in a place that can be reached; got "
        f"{scheme}://data/logs/span-*/log/*.parquet: {scheme}://data/logs"
    )
    assert buckets.server.closed in error
    assert not (tmp_path / "out").exists()


@_ON_ONE
def test_credentials_that_are_not_there_are_told_before_anything_runs(
    buckets: Buckets, tmp_path: Path
) -> None:
    scheme, (variables, files) = buckets.server.scheme, buckets.server.credentials
    config = write_config(tmp_path, _places(scheme))
    with mock.patch.dict(os.environ, dict.fromkeys(files, str(tmp_path / "nowhere"))):
        for name in variables:
            del os.environ[name]
        refused = rankbeam("run", config, "--output", tmp_path / "out")
    assert (refused.code, refused.out) == (_ENVIRONMENT_FAULT, "")
    assert refused.err == (
        "error: data.source.path must be in a place that can be reached; got "
        f"{scheme}://data/logs/span-*/log/*.parquet: {scheme}://data must be a bucket in reach; "
        f"{buckets.server.no_credentials}\n"
    )
    assert not (tmp_path / "out").exists()
