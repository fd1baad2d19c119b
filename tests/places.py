"""The file systems that tests of remote files run on."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gcs.server import GcsServer
    from tests.hadoop.cluster import Hdfs
    from tests.s3 import S3Server


_ROOTS = {"gs": "gcs_bucket", "hdfs": "hdfs_root", "s3": "s3_bucket"}
_SLOW = pytest.param("hdfs", marks=pytest.mark.slow)
_PLACES = ["objects", "folders", "file", "s3", "gs", _SLOW]


@pytest.fixture(params=_PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty folder: in memory, of Beam's two kinds; TensorFlow's; on S3, GCS and HDFS."""
    if request.param in _ROOTS:
        yield f"{request.getfixturevalue(_ROOTS[request.param])}/tests"
        return
    # Only here, since the import lets TFX know these file systems.
    from tests.components.remote.memory import FoldersFileSystem, ObjectsFileSystem

    ObjectsFileSystem.reset()
    FoldersFileSystem.reset()
    beams = {"objects": "objects://bucket", "folders": "folders://host"}
    root = beams.get(request.param, f"file://{tmp_path}")
    yield f"{root}/tests"
    ObjectsFileSystem.reset()
    FoldersFileSystem.reset()


@pytest.fixture(scope="session")
def s3() -> Iterator["S3Server"]:
    """An S3 server."""
    from tests.s3 import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture
def s3_bucket(s3: "S3Server", monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket that Rankbeam reaches; listings come in pages of three."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    s3.client().create_bucket(Bucket="bucket")
    s3.requests.clear()
    yield "s3://bucket"
    s3.reset()


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator["GcsServer"]:
    """A server of Google Cloud Storage's API."""
    from tests.gcs.front import gcs_server

    with gcs_server(tmp_path_factory.mktemp("gcs")) as server:
        yield server


@pytest.fixture
def broken_off() -> Iterator[None]:
    """For tests in which Google's client gives a request up before it has read the answer.

    It leaves that connection to the garbage collector, which warns of it, in whatever test it runs:
    in this one already, were it not held off.
    """
    gc.disable()
    try:
        yield
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    finally:
        gc.enable()


@pytest.fixture
def gcs_bucket(gcs: "GcsServer", monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket that Rankbeam reaches; listings come in pages of three."""
    for name, value in gcs.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RANKBEAM_FILE_OPTIONS", raising=False)
    gcs.create_bucket("bucket")
    gcs.api.page = 3
    yield "gs://bucket"
    gcs.reset()


@pytest.fixture(scope="session")
def hdfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Hdfs"]:
    """An HDFS; tests are skipped where there is no Java, or no way to Maven's registry."""
    from tests.hadoop.cluster import hdfs_cluster

    with hdfs_cluster(tmp_path_factory.mktemp("hdfs")) as cluster:
        yield cluster


@pytest.fixture
def hdfs_root(hdfs: "Hdfs", monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder on HDFS, empty or not there, that Rankbeam reaches."""
    monkeypatch.setenv("RANKBEAM_FILE_OPTIONS", hdfs.options)
    yield "hdfs://place"
    hdfs.ask("DELETE", "/place", "DELETE", recursive="true")
