"""The embedded model server: gRPC and REST in front of one core, and a watcher of its folders.

One thread runs the event loop of both fronts, threads of a pool run the graphs, and one thread
looks for new versions and loads them.
"""

import asyncio
import dataclasses
import functools
import logging
import threading
from concurrent import futures
from types import TracebackType
from typing import Any

import grpc
import uvloop
from grpc_reflection.v1alpha import reflection

from rankbeam.serving import tls
from rankbeam.serving.drain import Drain
from rankbeam.serving.engine.batching import Batcher
from rankbeam.serving.engine.core import ServerCore
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.grpc_front import MODEL_SERVICE, PREDICTION_SERVICE, generic_handlers
from rankbeam.serving.health import Health
from rankbeam.serving.request_log.logs import request_logs
from rankbeam.serving.rest.front import RestFront
from rankbeam.serving.servable import load_servable
from rankbeam.serving.server_options import ServerOptions
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.watcher import Watcher
from rankbeam.transform.errors import EnvironmentFault

_log = logging.getLogger(__name__)

_FLUSH_S = 2.0
_GRPC_ARGUMENTS = (
    # A port in use must be an error, not a second server that takes half of the calls.
    ("grpc.so_reuseport", 0),
    # As TensorFlow Serving: large candidate sets must not fail on gRPC's default of 4 MB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Who connects and does not speak HTTP/2 soon keeps a socket this long, even where it has left;
    # gRPC's default is two minutes.
    ("grpc.server_handshake_timeout_ms", 10_000),
)


class ModelServer:
    """A server that runs from `start` to `stop`; as a context manager, for the block.

    It listens at once, so that GetModelStatus answers while the first version is still loading.

    Attributes:
        port: gRPC port, once started.
        rest_port: REST port, once started; None where REST is off.
        cut: once stopped, what the end of the drain time cut off, in words. Its threads go on until
            they are done: a process that is not to wait for them must end without them.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="server-loop", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._ending: asyncio.Event | None = None
        self.port = 0
        self.rest_port: int | None = None
        self.cut: tuple[str, ...] = ()

    def start(self) -> int:
        """Listens and begins to load; returns the gRPC port.

        Raises:
            EnvironmentFault: a port or interface cannot be had.
            ConfigError: a setting cannot be used, such as a certificate.
        """
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self.port

    def stop(self) -> None:
        """Takes no more requests, lets those under way end within the drain time, then returns.

        Who still waits then is answered UNAVAILABLE.
        """
        if self._ending is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # whoever started the server is told
            self._failure = error
            if self._started.is_set():
                _log.exception("the server ended unexpectedly")
        finally:
            self._started.set()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        options = self._options
        self._ending = asyncio.Event()
        metrics = Metrics()
        registry = ModelRegistry(
            options.models,
            load=functools.partial(load_servable, settings=options.session),
            loading=dataclasses.replace(options.loading, look_once=options.poll_wait_s <= 0),
            labels_for_unavailable=options.labels_for_unavailable,
            watcher=metrics,
        )
        logs = request_logs(options.models, metrics)
        executor, batch_executor = pools = _pools(options)
        batcher = None
        if options.batching is not None:
            batcher = Batcher(options.batching, batch_executor, metrics)
        core = ServerCore(
            registry,
            executor,
            metrics,
            batcher=batcher,
            logs=logs,
            check_method_names=options.check_method_names,
        )
        drain = Drain(0.0)
        try:
            drain = await self._serve_fronts(core, executor)
        finally:
            await drain.end("a change of the models", registry.close)
            await drain.end("request logs, on a slow disk", logs.close, _FLUSH_S)
            await drain.end("graphs that run", lambda: _end(pools))
            await drain.end("finished request logs, on their way", logs.join_archives)
            await self._tell(drain)

    async def _serve_fronts(self, core: ServerCore, executor: futures.Executor) -> Drain:
        """Serves until told to stop; returns what the rest of the server has left to end in."""
        options = self._options
        health = Health(core.registry)
        front = self._grpc_server(core, health)
        rest = self._rest_front(core, executor)
        watcher = Watcher(
            core.registry,
            options,
            reload=core.reload,
            on_look=lambda: self._refresh(health),
        )
        stops = []
        try:
            self.port = self._listen(front)
            if rest is not None:
                self.rest_port = await rest.start()
                stops.append(rest.stop)
            await front.start()
            watcher.start()
            self._started.set()
            assert self._ending is not None
            await self._ending.wait()
        finally:
            drain = Drain(options.drain_timeout_s)
            await health.drain()
            await asyncio.gather(*(stop(options.drain_timeout_s) for stop in (front.stop, *stops)))
            await drain.end("a version that loads", watcher.stop)
        return drain

    async def _tell(self, drain: Drain) -> None:
        """Says what was cut off, and lets nobody wait for it in this loop."""
        self.cut = tuple(drain.cut)
        if not drain.cut:
            return
        _log.error(
            "the drain time of %g s is over; cut off: %s",
            *(self._options.drain_timeout_s, ", ".join(drain.cut)),
        )
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def _grpc_server(self, core: ServerCore, health: Health) -> Any:
        # Of two arguments of one name, gRPC would take the first.
        arguments = {**dict(_GRPC_ARGUMENTS), **dict(self._options.grpc_arguments)}
        server = grpc.aio.server(options=list(arguments.items()))
        server.add_generic_rpc_handlers(generic_handlers(core))
        names = [PREDICTION_SERVICE, MODEL_SERVICE, reflection.SERVICE_NAME]
        if self._options.health_service:
            health.add_to(server)
            names.append(Health.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
        return server

    def _listen(self, server: Any) -> int:
        options = self._options
        address = f"{options.host}:{options.port}"
        try:
            if options.tls is None:
                return int(server.add_insecure_port(address))
            return int(server.add_secure_port(address, tls.grpc_credentials(options.tls)))
        except RuntimeError as error:
            raise EnvironmentFault(f"cannot listen on {address}: {error}") from error

    def _rest_front(self, core: ServerCore, executor: futures.Executor) -> RestFront | None:
        options = self._options
        if options.rest_port is None:
            return None
        secure = options.tls if options.rest_tls else None
        return RestFront(
            core,
            host=options.host,
            port=options.rest_port,
            executor=executor,
            timeout_s=options.rest_timeout_s,
            max_body_bytes=options.max_message_bytes,
            metrics_path=options.monitoring.path if options.monitoring.enabled else None,
            ssl_context=None if secure is None else tls.ssl_context(secure),
            cors=options.rest_cors,
        )

    def _refresh(self, health: Health) -> None:
        """Called by the watcher's thread, which outlives the server only where it is cut off."""
        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(health.refresh(), self._loop)

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


def _pools(options: ServerOptions) -> tuple[futures.Executor, futures.Executor]:
    """The threads that run graphs: of requests alone, and of batches."""
    batching = options.batching or BatchingSettings()
    return (
        futures.ThreadPoolExecutor(options.num_threads, "predict"),
        futures.ThreadPoolExecutor(batching.num_batch_threads, batching.thread_pool_name),
    )


def _end(pools: tuple[futures.Executor, ...]) -> None:
    """Drops what has not begun, and waits for the rest."""
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
    for pool in pools:
        pool.shutdown(wait=True)
