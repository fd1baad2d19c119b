"""A server that ends while its archive does not answer."""

import threading
from pathlib import Path

import pytest

from rankbeam.serving.request_log.archive import copy_locally
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.logging import ArchiveSettings, LoggingSettings
from rankbeam.serving.settings.model import ModelSettings
from tests.serving.waiting import NAME

pytestmark = pytest.mark.slow

_FILE = f"20250131/{NAME}-20250131T101500Z-host-1-0123abcd-000000.tfrecord"


def _server(folder: Path, settings: ArchiveSettings, drain_s: float) -> ModelServer:
    (folder / "base").mkdir()
    file = folder / "log" / _FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"left by a server that was killed")
    log = LoggingSettings(folder / "log", archive=settings)
    models = (ModelSettings(NAME, folder / "base", logging=log),)
    return ModelServer(ServerOptions(models, port=0, drain_timeout_s=drain_s))


def test_archive_that_hangs_is_cut_off_when_the_drain_time_is_over(tmp_path: Path) -> None:
    asked, let_go = threading.Event(), threading.Event()

    def put(source: Path, place: str) -> None:
        asked.set()
        let_go.wait()
        raise OSError("gone")

    server = _server(tmp_path, ArchiveSettings(str(tmp_path / "to"), put), drain_s=0.2)
    server.start()
    assert asked.wait(30)
    server.stop()  # returns
    assert server.cut == ("finished request logs, on their way",)
    assert (tmp_path / "log" / _FILE).exists()
    let_go.set()


def test_archive_that_is_slow_is_waited_for_within_the_drain_time(tmp_path: Path) -> None:
    asked, stopping = threading.Event(), threading.Event()

    def put(source: Path, place: str) -> None:
        asked.set()
        stopping.wait()
        copy_locally(source, place)

    server = _server(tmp_path, ArchiveSettings(str(tmp_path / "to"), put), drain_s=60.0)
    server.start()
    assert asked.wait(30)
    threading.Timer(0.5, stopping.set).start()
    server.stop()
    assert server.cut == ()
    assert (tmp_path / "to" / _FILE).read_bytes() == b"left by a server that was killed"
    assert not (tmp_path / "log" / _FILE).exists()
