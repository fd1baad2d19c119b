"""Models and servers that the serving tests share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rankbeam.serving.client import PredictClient
from rankbeam.serving.server import ModelServer
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.model import ModelSettings
from tests.serving import tiny_models
from tests.serving.waiting import NAME, wait_available


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tiny model, saved once; tests copy it."""
    return tiny_models.save(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def biased_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model with bias 1, to tell versions apart by their scores."""
    return tiny_models.save(tmp_path_factory.mktemp("biased") / "model", bias=1.0)


@pytest.fixture
def base_path(tmp_path: Path, saved_model: Path) -> Path:
    """A base path with version 1."""
    shutil.copytree(saved_model, tmp_path / "base" / "1")
    return tmp_path / "base"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, saved_model: Path) -> Iterator[ModelServer]:
    """A server in this process with version 1 of `tiny`, AVAILABLE."""
    base_path = tmp_path_factory.mktemp("served")
    shutil.copytree(saved_model, base_path / "1")
    options = ServerOptions(
        (ModelSettings(NAME, base_path),),
        port=0,
        poll_wait_s=0.05,
        drain_timeout_s=10.0,
        check_method_names=True,
    )
    with ModelServer(options) as running:
        wait_available(f"127.0.0.1:{running.port}")
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[PredictClient]:
    """A client of `server`."""
    with PredictClient(f"127.0.0.1:{server.port}", NAME) as connected:
        yield connected
