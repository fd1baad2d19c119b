"""The servers under test, and the process that loads them."""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving_load.children import Child, module, own_environment
from benchmarks.serving_peers.environments import environment
from benchmarks.serving_peers.peers import PEERS, Peer, Place, variables

MODEL_NAME = "ranker"
PREDICT = "/tensorflow.serving.PredictionService/Predict"
BATCHING = """max_batch_size { value: 32 }
batch_timeout_micros { value: 10000 }
max_enqueued_batches { value: 1000 }
num_batch_threads { value: 1 }
"""
"""TensorFlow Serving's batching parameters for the batched server.

As its guide tunes them: a batch is as large as the number of requests at once, the timeout a little
above the time in which they arrive, so that it is rarely what starts a batch.
"""

_READY_TIMEOUT_S = 120.0
_POLL_S = 0.2
_PORTS = 3


@dataclass(frozen=True)
class Endpoint:
    """Where requests of one side go.

    Attributes:
        name: The side.
        protocol: grpc or http.
        target: host:port.
        path: Of the HTTP route, or of the gRPC method.
        wire: How requests are encoded (`serving_load.wires`).
        content_type: Of the HTTP body.
    """

    name: str
    protocol: str
    target: str
    path: str
    wire: str
    content_type: str = "application/json"


class Load:
    """The process that sends requests, on given cores."""

    def __init__(self, folder: Path, requests: Path, cores: Sequence[int]) -> None:
        self._requests = requests
        self._samples = folder / "samples"
        self._samples.mkdir(parents=True)
        self.child = Child(
            "load", module("generator"), folder, cores=cores, environment=own_environment()
        )

    def run(
        self, endpoint: Endpoint, size: int, concurrency: int, seconds: float, warm_up_s: float
    ) -> dict[str, Any]:
        """One measurement: the generator's answer.

        Raises:
            ChildFailedError: The generator ended; the server may be away.
        """
        files = sorted(self._requests.glob(f"{endpoint.wire}-{size}-*.bin"), key=_number)
        return self.child.ask(
            {
                "protocol": endpoint.protocol,
                "target": endpoint.target,
                "path": endpoint.path,
                "content_type": endpoint.content_type,
                "requests": [str(file) for file in files],
                "samples": str(self._samples),
                "concurrency": concurrency,
                "seconds": seconds,
                "warm_up_s": warm_up_s,
            }
        )

    def wait(self, endpoint: Endpoint, server: Child) -> None:
        """Waits until a server answers requests.

        Raises:
            ChildFailedError: The server ended, or does not answer in time.
        """
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while not _listens(endpoint.target) or self.run(endpoint, 1, 1, 0.01, 0.0)["errors"]:
            if not server.running:
                raise server.failure("ended")
            if time.monotonic() > deadline:
                raise server.failure(f"did not answer within {_READY_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)


def _number(file: Path) -> int:
    return int(file.stem.rsplit("-", 1)[1])


def _listens(target: str) -> bool:
    host, port = target.rsplit(":", 1)
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1.0):
        return True
    return False


@dataclass(frozen=True)
class Embedded:
    """One of Rankbeam's servers.

    Attributes:
        child: Its process.
        grpc: Its PredictionService.
        rest: Its REST API.
    """

    child: Child
    grpc: Endpoint
    rest: Endpoint


def start_embedded(
    stack: ExitStack, base_path: Path, folder: Path, cores: Sequence[int], *, batching: bool
) -> Embedded:
    """Starts Rankbeam's server, with `tensorflow_model_server`'s flags; it need not be ready yet.

    Raises:
        ChildFailedError: It ended before it listened.
    """
    folder.mkdir()
    grpc_port, rest_port = _free_ports(2)
    command = [sys.executable, "-m", "rankbeam.serving.server_main"]
    command += [f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
    command += [f"--model_name={MODEL_NAME}", f"--model_base_path={base_path}"]
    if batching:
        parameters = folder / "batching.txt"
        parameters.write_text(BATCHING)
        command += ["--enable_batching=true", f"--batching_parameters_file={parameters}"]
    child = Child("rankbeam", command, folder, cores=cores, environment=os.environ)
    stack.enter_context(child)
    child.read_line()  # it listens
    grpc = Endpoint("rankbeam gRPC", "grpc", _local(grpc_port), PREDICT, "predict")
    path = f"/v1/models/{MODEL_NAME}:predict"
    rest = Endpoint("rankbeam REST", "http", _local(rest_port), path, "rest")
    return Embedded(child, grpc, rest)


def start_peer(
    stack: ExitStack, name: str, version: Path, folder: Path, cache: Path, cores: Sequence[int]
) -> tuple[Child, Endpoint]:
    """Starts a peer in its own environment; it need not be ready yet.

    Raises:
        EnvironmentFailedError: Its environment cannot be made.
    """
    peer: Peer = PEERS[name]
    folder.mkdir()
    place = Place(environment(name, cache), folder, version, _free_ports(_PORTS))
    environ: Mapping[str, str] = variables(peer, place)
    child = Child(name, peer.command(place), folder, cores=cores, environment=environ, talks=False)
    stack.enter_context(child)
    target = _local(place.ports[0])
    return child, Endpoint(name, peer.protocol, target, peer.path, peer.wire, peer.content_type)


def _local(port: int) -> str:
    return f"127.0.0.1:{port}"


def _free_ports(count: int) -> tuple[int, ...]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(each.getsockname()[1] for each in sockets)
