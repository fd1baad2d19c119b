"""The model config file read again: what changes, and what a bad file does not."""

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rankbeam.serving.client import PredictClient
from rankbeam.serving.errors import RequestRejected
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.model_config import read_models
from tests.serving.waiting import NAME, wait_available, wait_until

OTHER = "other"


def _config(*models: tuple[str, Path], extra: str = "") -> str:
    rows = [
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" {extra} }}'
        for name, path in models
    ]
    return "model_config_list { " + "\n".join(rows) + " }"


@pytest.fixture
def file(tmp_path: Path, base_path: Path) -> Path:
    """A config of one model."""
    path = tmp_path / "models.config"
    path.write_text(_config((NAME, base_path)))
    return path


@pytest.fixture
def server(file: Path) -> Iterator[ModelServer]:
    """A server that reads the file ten times a second."""
    options = ServerOptions(
        read_models(file),
        port=0,
        poll_wait_s=0.1,
        model_config_file=file,
        model_config_poll_s=0.1,
    )
    with ModelServer(options) as running:
        wait_available(f"127.0.0.1:{running.port}")
        yield running


def _serves(server: ModelServer, name: str, version: int = 1) -> bool:
    with PredictClient(f"127.0.0.1:{server.port}", name) as client:
        try:
            return client.predict_examples([b""]).model_version == version
        except RequestRejected:
            return False


def test_model_that_is_added_to_the_file_is_served_and_one_that_is_gone_is_not(
    server: ModelServer, file: Path, base_path: Path
) -> None:
    file.write_text(_config((NAME, base_path), (OTHER, base_path)))
    wait_until(lambda: _serves(server, OTHER))
    assert _serves(server, NAME)
    file.write_text(_config((OTHER, base_path)))
    wait_until(lambda: not _serves(server, NAME))
    assert _serves(server, OTHER)


def test_policy_in_the_file_is_put_in_force(
    server: ModelServer, file: Path, base_path: Path, biased_model: Path
) -> None:
    pinned = "model_version_policy { specific { versions: 1 } }"
    shutil.copytree(biased_model, base_path / ".new")
    (base_path / ".new").rename(base_path / "2")
    wait_until(lambda: _serves(server, NAME, version=2))
    file.write_text(_config((NAME, base_path), extra=pinned))
    wait_until(lambda: _serves(server, NAME, version=1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model_config_list { config { name: ", "model_config_file"),
        ("", "must hold a model_config_list"),
        ('model_config_list { config { name: "tiny" base_path: "relative" } }', "platform"),
        (_config((NAME, Path("/x")), (NAME, Path("/x"))), "multiple times"),
        (_config((NAME, Path("/x")), extra='version_labels { key: "a" value: 7 }'), "label"),
    ],
)
def test_bad_file_keeps_what_is_served_and_is_reported_once(
    server: ModelServer,
    file: Path,
    base_path: Path,
    caplog: pytest.LogCaptureFixture,
    text: str,
    reason: str,
) -> None:
    def refusals() -> list[str]:
        return [m for m in caplog.messages if f"{file} is not put in force" in m]

    with caplog.at_level(logging.INFO):
        file.write_text(text)
        wait_until(lambda: len(refusals()) > 0)
        assert reason in refusals()[0]
        assert _serves(server, NAME)
        file.write_text(_config((NAME, base_path), (OTHER, base_path)))
        wait_until(lambda: _serves(server, OTHER))
    assert len(refusals()) == 1


def test_file_that_is_gone_keeps_what_is_served(
    server: ModelServer, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        file.unlink()
        wait_until(lambda: any("is not put in force" in m for m in caplog.messages))
    assert _serves(server, NAME)


def test_server_that_looks_once_tries_a_broken_version_again_and_sees_no_other(
    base_path: Path, biased_model: Path
) -> None:
    file = base_path / "1" / "saved_model.pb"
    whole = file.read_bytes()
    file.write_bytes(b"broken")
    options = ServerOptions(
        (ModelSettings(NAME, base_path),),
        port=0,
        poll_wait_s=0.0,
        loading=LoadSettings(max_retries=1000, retry_interval_s=0.0),
    )
    with (
        ModelServer(options) as server,
        PredictClient(f"127.0.0.1:{server.port}", NAME) as client,
    ):
        wait_until(lambda: client.status()[0].state == "END")
        shutil.copytree(biased_model, base_path / "2")
        file.write_bytes(whole)
        wait_until(lambda: client.status()[0].state == "AVAILABLE")
        time.sleep(0.5)  # several attempts' time
        assert [row.version for row in client.status()] == [1]


def test_server_that_looks_once_and_may_not_try_again_stops_looking(base_path: Path) -> None:
    options = ServerOptions(
        (ModelSettings(NAME, base_path),),
        port=0,
        poll_wait_s=0.0,
        loading=LoadSettings(max_retries=0),
    )
    with ModelServer(options) as server:
        wait_available(f"127.0.0.1:{server.port}")
        wait_until(lambda: "version-watcher" not in {t.name for t in threading.enumerate()})


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
def test_loading_stands_behind_requests(server: ModelServer) -> None:
    niceness = {
        thread.name: os.getpriority(os.PRIO_PROCESS, thread.native_id)
        for thread in threading.enumerate()
        if thread.native_id is not None
    }
    assert niceness["version-watcher"] == niceness["server-loop"] + 10
    assert niceness["server-loop"] == niceness["MainThread"]
