"""The embedded model server: gRPC in front of a `VersionManager` that watches its folder."""

import logging
import threading
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from rankbeam.serving.manager import VersionManager
from rankbeam.serving.rpc import ModelService, PredictionService
from rankbeam.transform.errors import EnvironmentFault

_log = logging.getLogger(__name__)

_GRPC_OPTIONS = (
    # A port in use must be an error, not a second server that takes half of the calls.
    ("grpc.so_reuseport", 0),
    # As TensorFlow Serving: large candidate sets must not fail on gRPC's default of 4 MB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What to serve, where.

    Attributes:
        model_name: the name clients use.
        base_path: the folder with one integer-named folder per version.
        host: the interface to listen on; `0.0.0.0` is all of them.
        port: gRPC port; 0 takes a free one.
        poll_wait_s: seconds between two looks at the base path.
        drain_timeout_s: seconds that requests under way get to end when the server stops.
        num_threads: requests answered at the same time.
    """

    model_name: str
    base_path: Path
    host: str = "127.0.0.1"
    port: int = 8500
    poll_wait_s: float = 1.0
    drain_timeout_s: float = 30.0
    num_threads: int = 16


class ModelServer:
    """A server that runs from `start` to `stop`; as a context manager, for the block.

    It listens at once, so that GetModelStatus answers while the first version is still loading.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._manager = VersionManager(options.model_name, options.base_path)
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="version-watcher", daemon=True)
        self._grpc = self._build()
        self.port = 0

    def _build(self) -> grpc.Server:
        threads = futures.ThreadPoolExecutor(self._options.num_threads, "predict")
        server = grpc.server(threads, options=_GRPC_OPTIONS)
        models = {self._options.model_name: self._manager}
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(models), server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(models), server)
        return server

    def start(self) -> int:
        """Listens and begins to load; returns the port.

        Raises:
            EnvironmentFault: the port or interface cannot be had.
        """
        address = f"{self._options.host}:{self._options.port}"
        try:
            self.port = self._grpc.add_insecure_port(address)
        except RuntimeError as error:
            raise EnvironmentFault(f"cannot listen on {address}: {error}") from error
        self._grpc.start()
        self._watcher.start()
        return self.port

    def stop(self) -> None:
        """Takes no more requests, lets those under way end within the drain time, then returns."""
        self._stopping.set()
        self._grpc.stop(self._options.drain_timeout_s).wait()
        self._watcher.join(self._options.drain_timeout_s)

    def _watch(self) -> None:
        reported = ""
        while not self._stopping.is_set():
            try:
                self._manager.poll()
                reported = ""
            except OSError as error:  # a share that is away for a while; what is loaded serves on
                if str(error) != reported:
                    _log.error("cannot read %s: %s", self._options.base_path, error)
                reported = str(error)
            self._stopping.wait(self._options.poll_wait_s)

    def __enter__(self) -> "ModelServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
