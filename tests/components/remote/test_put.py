"""Files that a server sends away without TFX: whole on S3, GCS and HDFS, or not there."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rankbeam.components.remote import hdfs_files
from rankbeam.components.remote.beam_lookup import OPTIONS_VARIABLE
from rankbeam.components.remote.files import read_bytes
from rankbeam.components.remote.put import check_options, put_file
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.gcs.server import GcsServer
from tests.s3 import S3Server

_LARGE = bytes(range(256)) * 4 * 20_000  # of 20 MB, where parts have 16 MiB


@pytest.fixture(
    params=["s3_bucket", "gcs_bucket", pytest.param("hdfs_root", marks=pytest.mark.slow)]
)
def root(request: pytest.FixtureRequest) -> str:
    """A URI, empty or not there yet."""
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("content", [b"", b"record", _LARGE], ids=["empty", "small", "large"])
def test_put_file_is_there_whole_and_may_be_put_again(
    root: str, tmp_path: Path, content: bytes
) -> None:
    source, place = tmp_path / "a", f"{root}/log/20250131/a%2Fb-1.tfrecord"
    for _ in range(2):  # the second time as after a kill
        source.write_bytes(content)
        put_file(source, place)
        assert read_bytes(place) == content
    assert source.read_bytes() == content


@pytest.mark.parametrize("store", ["s3", "gcs"])
def test_put_that_is_refused_leaves_nothing(
    store: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: S3Server | GcsServer = request.getfixturevalue(store)
    bucket = request.getfixturevalue(f"{store}_bucket")
    (tmp_path / "a").write_bytes(_LARGE)
    server.refuses = lambda method, path, query: method in {"PUT", "POST"}
    with pytest.raises(OSError, match=r"://bucket/log/a: .*"):
        put_file(tmp_path / "a", f"{bucket}/log/a")
    server.refuses = None
    assert server.contents("bucket") == {}
    assert server.unfinished("bucket") == []
    put_file(tmp_path / "a", f"{bucket}/log/a")
    assert server.contents("bucket") == {"log/a": _LARGE}


def test_put_of_a_file_that_is_gone_leaves_nothing(s3: S3Server, s3_bucket: str) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        put_file(Path("nowhere"), f"{s3_bucket}/log/a")
    assert s3.contents("bucket") == {}


def test_put_to_a_host_that_never_answers_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdfs_files, "_TIMEOUTS_S", (60.0, 0.2))
    (tmp_path / "a").touch()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system connects; nobody reads
        port = silent.getsockname()[1]
        options = f"--hdfs_host=127.0.0.1 --hdfs_port={port} --hdfs_user=me"
        monkeypatch.setenv(OPTIONS_VARIABLE, options)
        with pytest.raises(OSError, match=rf"port={port}.*Read timed out"):
            put_file(tmp_path / "a", "hdfs://log/a")


def test_options_are_checked_without_asking_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OPTIONS_VARIABLE, raising=False)
    with pytest.raises(EnvironmentFault, match="must hold what hdfs:// needs"):
        check_options("hdfs://logs")
    check_options("gs://no-such-bucket/logs")
    monkeypatch.setenv(OPTIONS_VARIABLE, "--s3_endpoint=http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="must hold options of Beam; got --s3_endpoint"):
        check_options("s3://logs")


def test_put_needs_neither_tfx_nor_tensorflow() -> None:
    code = (
        "import sys, rankbeam.components.remote.put\n"
        "print([name for name in ('tensorflow', 'tfx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout == "[]\n"
