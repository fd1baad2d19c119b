"""A REST front and a gRPC front over one core, in an event loop of their own."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
import uvloop

from rankbeam.serving.engine.core import ServerCore
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.grpc_front import generic_handlers
from rankbeam.serving.rest.front import RestFront
from rankbeam.serving.settings.model import ModelSettings
from tests.serving.rest import json_model
from tests.serving.rest.http_client import NAME, Api

Serve: TypeAlias = Callable[..., AbstractContextManager[Api]]


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()  # as the model server
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine in the loop, waits for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def stop(self) -> None:
        """Ends the loop and the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerCore]:
    """A core that serves version 1 of `json_model`, under the label `stable`."""
    base = tmp_path_factory.mktemp("json")
    json_model.save(base / "1")
    models = [ModelSettings(NAME, base, labels={"stable": 1})]
    registry = ModelRegistry(models, labels_for_unavailable=True)
    registry.poll()
    with ThreadPoolExecutor(4) as executor:
        yield ServerCore(registry, executor, Metrics(), check_method_names=True)
    registry.close()


@pytest.fixture(scope="session")
def serve(core: ServerCore) -> Serve:
    """Starts a REST front with options of choice."""

    @contextmanager
    def start(**options: Any) -> Iterator[Api]:
        loop = Loop()
        with ThreadPoolExecutor(2) as executor:
            settings: dict[str, Any] = {"host": "127.0.0.1", "port": 0, **options}
            front = RestFront(core, executor=executor, **settings)
            stopped: list[bool] = []

            def stop(drain_timeout_s: float = 5.0) -> None:
                stopped.append(True)
                loop.run(front.stop(drain_timeout_s))

            try:
                yield Api(loop.run(front.start()), stop)
            finally:
                if not stopped:
                    stop()
                loop.stop()

    return start


@pytest.fixture(scope="session")
def api(serve: Serve) -> Iterator[Api]:
    """A REST front with the options as they are by default."""
    with serve() as started:
        yield started


@pytest.fixture(scope="session")
def channel(core: ServerCore) -> Iterator[grpc.Channel]:
    """A gRPC channel to the same core."""
    loop = Loop()

    async def start() -> tuple[Any, int]:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(generic_handlers(core))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = loop.run(start())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as connected:
        yield connected
    loop.run(server.stop(None))
    loop.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-keyout", key, "-out", chain], check=True, capture_output=True)
    return chain, key
