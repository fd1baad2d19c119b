"""How each peer is started and asked: as its documentation recommends, by its fastest path."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_RAW = "application/octet-stream"


@dataclass(frozen=True)
class Place:
    """Where one peer runs.

    Attributes:
        bin: Its environment's `bin` folder.
        folder: Its working folder, empty.
        model: The SavedModel's folder.
        ports: Free ports; requests go to the first.
    """

    bin: Path
    folder: Path
    model: Path
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Peer:
    """One peer.

    Attributes:
        protocol: grpc or http.
        wire: How requests are encoded (`serving_load.wires`).
        path: Of the HTTP route, or of the gRPC method.
        command: What starts it; may write files into the working folder.
        environment: Its settings.
        how: What a reader must know about the comparison.
        content_type: Of the HTTP body.
    """

    protocol: str
    wire: str
    path: str
    command: Callable[[Place], list[str]]
    how: str
    environment: Callable[[Place], Mapping[str, str]] = field(default=lambda place: {})
    content_type: str = _RAW


def variables(peer: Peer, place: Place) -> dict[str, str]:
    """The whole environment of a peer's process.

    Of this checkout it can import `benchmarks` alone: the root folders' names (`serving`,
    `trainer`, ...) are common ones, which its libraries must not find.
    """
    link = place.folder / "import"
    link.mkdir()
    (link / "benchmarks").symlink_to(Path(__file__).resolve().parent.parent)
    return {
        **{name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ},
        "PATH": os.pathsep.join([str(place.bin), os.environ["PATH"]]),
        "PYTHONPATH": str(link),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MODEL": str(place.model),
        **peer.environment(place),
    }


def _bentoml(place: Place) -> list[str]:
    service = "benchmarks.serving_peers.bentoml_service:Ranker"
    port = str(place.ports[0])
    return [str(place.bin / "bentoml"), "serve", service, "--host", "127.0.0.1", "--port", port]


def _mlserver(place: Place) -> list[str]:
    model = {
        "name": "ranker",
        "implementation": "benchmarks.serving_peers.mlserver_runtime.Ranker",
        "parameters": {"uri": str(place.model)},
    }
    settings = {
        "host": "127.0.0.1",
        "grpc_port": place.ports[0],
        "http_port": place.ports[1],
        "metrics_port": place.ports[2],
        "parallel_workers": 0,
        "debug": False,
    }
    (place.folder / "model-settings.json").write_text(json.dumps(model))
    (place.folder / "settings.json").write_text(json.dumps(settings))
    return [str(place.bin / "mlserver"), "start", str(place.folder)]


def _ray(place: Place) -> list[str]:
    application = {
        "name": "ranker",
        "route_prefix": "/score",
        "import_path": "benchmarks.serving_peers.ray_app:app",
    }
    config = {
        "http_options": {"host": "127.0.0.1", "port": place.ports[0]},
        "applications": [application],
    }
    file = place.folder / "config.yaml"
    file.write_text(json.dumps(config))  # JSON is YAML
    return [str(place.bin / "serve"), "run", str(file)]


def _ray_environment(place: Place) -> dict[str, str]:
    return {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(place.ports[1]),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(place.ports[2]),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(place.folder / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(place.folder / "haproxy.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(place.folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(place.folder / "haproxy.state"),
        # Ray lowers its workers' priority by default; the load shares their cores.
        "RAY_worker_niceness": "0",
    }


PEERS = {
    "bentoml": Peer(
        protocol="http",
        wire="frames",
        path="/raw/score",
        command=_bentoml,
        environment=lambda place: {
            "BENTOML_HOME": str(place.folder),
            "BENTOML_DO_NOT_TRACK": "True",
        },
        how="raw HTTP body by an ASGI route; one worker; the model in a thread pool",
    ),
    "mlserver": Peer(
        protocol="grpc",
        wire="infer",
        path="/inference.GRPCInferenceService/ModelInfer",
        command=_mlserver,
        how="gRPC, raw tensor contents; a custom runtime in the server's process, in threads",
    ),
    "ray": Peer(
        protocol="http",
        wire="frames",
        path="/score",
        command=_ray,
        environment=_ray_environment,
        how="raw HTTP body; HAProxy in front, throughput-optimised; one replica, in threads",
    ),
}
