"""A pipeline whose data and models are on S3, held against the same one on local disks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from tests.e2e.command import Finished, rankbeam
from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import meaning, pushed, records, states
from tests.e2e.scores import scores
from tests.e2e.tiny import NODES, write_config
from tests.e2e.warm import WarmProcess
from tests.s3 import S3Server, s3_server

pytestmark = pytest.mark.slow

_ENVIRONMENT_FAULT = 5
_PLACES = {
    "data.source.path": "s3://data/logs/span-{SPAN}/log/*.parquet",
    "push.destination": "s3://models/tiny",
}


@dataclass(frozen=True)
class Buckets:
    """A server with the buckets `data` and `models`, and one pipeline that uses them.

    Attributes:
        server: The server.
        config: The pipeline's config.
        output: Its output folder.
        process: Runs it.
    """

    server: S3Server
    config: Path
    output: Path
    process: WarmProcess

    def add_span(self, market: Path, span: int) -> None:
        """Upload a span of the market."""
        [log] = (market / f"span-{span}" / "log").glob("*.parquet")
        key = f"logs/span-{span}/log/{log.name}"
        self.server.client().upload_file(str(log), "data", key)

    def run(self, *words: object) -> Finished:
        """Run the pipeline."""
        return self.process.rankbeam("run", self.config, "--output", self.output, *words)

    def models(self) -> dict[str, str]:
        """What lies in the bucket of models: key to entity tag."""
        listed = self.server.client().list_objects_v2(Bucket="models").get("Contents", [])
        return {found["Key"]: found["ETag"] for found in listed}

    def download(self, folder: Path) -> Path:
        """Copy the destination to `folder/tiny`."""
        for key in self.models():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            self.server.client().download_file("models", key, str(folder / key))
        return folder


@pytest.fixture(scope="module")
def buckets(
    undisturbed: Undisturbed, market: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Buckets]:
    """The server, with the market's first span; where the local run is made, to be made once."""
    folder = tmp_path_factory.mktemp("buckets")
    with s3_server() as server, mock.patch.dict(os.environ, server.environment):
        for name in ("data", "models"):
            server.client().create_bucket(Bucket=name)
        config, process = write_config(folder, _PLACES), WarmProcess()
        made = Buckets(server, config, folder / "out", process)
        made.add_span(market, 1)
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


def test_models_in_a_bucket_are_those_of_a_local_run(
    buckets: Buckets, first: Finished, undisturbed: Undisturbed, market: Path, tmp_path: Path
) -> None:
    assert (first.code, first.err) == (0, "")
    record = records(buckets.output)[0]
    assert states(record) == dict.fromkeys(NODES, "done")
    assert (record["version"], record["destination"]) == (1, "s3://models/tiny")
    copy = buckets.download(tmp_path)
    assert pushed(copy, "tiny")["1"] == undisturbed.pushed["1"]
    theirs, ours = scores(market, undisturbed.output / "pushed" / "1", copy / "tiny" / "1")
    assert ours == theirs
    assert {len(values) for values in ours.values()} == {3_000}


def test_new_span_in_a_bucket_is_compared_with_the_blessed_model_there(
    buckets: Buckets, second: Finished, tmp_path: Path
) -> None:
    assert (second.code, second.err) == (0, "")
    record = records(buckets.output)[1]
    assert states(record) == dict.fromkeys(NODES, "done")
    assert meaning(record, "Baseline") == "compare with version 1"
    assert meaning(record, "Evaluator").endswith("; BLESSED")
    assert (record["version"], meaning(record, "Pusher")) == (2, "version 2, new")
    versions = pushed(buckets.download(tmp_path), "tiny")
    assert set(versions) == {"1", "2"}  # and no claim
    assert versions["1"] != versions["2"]


def test_same_run_again_reads_no_file_twice(buckets: Buckets, second: Finished) -> None:
    before = buckets.models()
    buckets.server.requests.clear()
    again = buckets.run()
    assert (again.code, again.err) == (0, "")
    record = records(buckets.output)[-1]
    assert states(record) == {**dict.fromkeys(NODES, "cached"), "Pusher": "done"}
    assert meaning(record, "Pusher").startswith("version 2, ")
    read = [path for method, path in buckets.server.requests if method == "GET"]
    assert not any(path.endswith(".parquet") for path in read)
    assert buckets.models() == before


def test_push_that_the_bucket_refuses_leaves_it_as_it_was(
    buckets: Buckets, second: Finished
) -> None:
    before = buckets.models()
    buckets.server.refuses = lambda method, path, _: (
        method in {"PUT", "POST"} and "/tiny/3/variables/" in path
    )
    refused = buckets.run("--span", 1)
    buckets.server.refuses = None
    assert refused.code == _ENVIRONMENT_FAULT
    error, log = refused.err.splitlines()
    assert error.startswith(
        "error: cannot write push.destination s3://models/tiny: s3://models/tiny/3/variables/"
    )
    assert error.endswith("when calling the PutObject operation: Access Denied")
    assert log.startswith("full log: ")
    record = records(buckets.output)[-1]
    assert list(states(record).items())[-1] == ("Pusher", "failed")
    assert buckets.models() == before
    uploads = buckets.server.client().list_multipart_uploads(Bucket="models")
    assert "Uploads" not in uploads


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data.source.path": "s3://nowhere/{SPAN}/*.parquet"},
            "data.source.path must be in a place that can be reached; got s3://nowhere/*/*.parquet:"
            " s3://nowhere must be a bucket in reach; An error occurred (NoSuchBucket) when "
            "calling the ListObjectsV2 operation: The specified bucket does not exist",
        ),
        (
            {"push.destination": "s3://nowhere/tiny"},
            "push.destination must be in a place that can be reached; got s3://nowhere/tiny: "
            "s3://nowhere must be a bucket in reach; An error occurred (NoSuchBucket) when "
            "calling the ListObjectsV2 operation: The specified bucket does not exist",
        ),
    ],
    ids=["data", "push"],
)
def test_bucket_that_is_not_there_is_told_before_anything_runs(
    buckets: Buckets, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    config = write_config(tmp_path, {**_PLACES, **changes})
    refused = buckets.process.rankbeam("run", config, "--output", tmp_path / "out")
    assert (refused.code, refused.out) == (_ENVIRONMENT_FAULT, "")
    assert refused.err == f"error: {message}\n"
    assert not (tmp_path / "out").exists()


def test_credentials_that_are_not_there_are_told_before_anything_runs(
    buckets: Buckets, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "nowhere")
    bare = {"AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_CONFIG_FILE": nowhere}
    config = write_config(tmp_path, _PLACES)
    with mock.patch.dict(os.environ, bare):
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        refused = rankbeam("run", config, "--output", tmp_path / "out")
    assert (refused.code, refused.out) == (_ENVIRONMENT_FAULT, "")
    assert refused.err == (
        "error: data.source.path must be in a place that can be reached; got "
        "s3://data/logs/span-*/log/*.parquet: s3://data must be a bucket in reach; "
        "Unable to locate credentials\n"
    )
    assert not (tmp_path / "out").exists()
