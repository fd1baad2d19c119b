"""The REST front: an HTTP server in the event loop of the whole model server."""

import asyncio
import re
import ssl
import time
from concurrent.futures import Executor
from urllib.parse import urlsplit

from aiohttp import web

from rankbeam.serving.engine.call import REQUEST_ID_KEY, Call, request_id
from rankbeam.serving.engine.core import ServerCore
from rankbeam.serving.rest import body, other_answers, paths
from rankbeam.serving.rest.connection import Connection, json_response
from rankbeam.serving.rest.handler import Handler
from rankbeam.serving.settings.monitoring import DEFAULT_PATH
from rankbeam.transform.errors import EnvironmentFault

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_WEB_ORIGIN = re.compile("https?://")

# After an answer that leaves a body unread, this long is read on and thrown away: a client that
# still sends would otherwise be reset before it reads the answer.
_LINGERING_S = 2.0
_BACKLOG = 1024
_HANDSHAKE_S = 10.0
_LAST_WORDS_S = 1.0


class RestFront:
    """Serves TensorFlow Serving's REST API from `start` to `stop`.

    Args:
        core: answers.
        host: the interface to listen on.
        port: the port; 0 takes a free one.
        executor: runs long conversions.
        timeout_s: seconds until a request is answered 504; not positive means never.
        max_body_bytes: longer bodies are answered 413.
        body_timeout_s: seconds for a body to arrive; later it is answered 408.
        idle_timeout_s: seconds for a request's head to arrive, from the connection's start or from
            the answer before; then the connection is closed.
        metrics_path: where Prometheus finds the metrics; None for nowhere.
        ssl_context: for TLS; None for plain HTTP.
        cors: whether pages of other origins may call.
    """

    def __init__(
        self,
        core: ServerCore,
        *,
        host: str,
        port: int,
        executor: Executor,
        timeout_s: float = 30.0,
        max_body_bytes: int = 1 << 28,
        body_timeout_s: float = 60.0,
        idle_timeout_s: float = 60.0,
        metrics_path: str | None = DEFAULT_PATH,
        ssl_context: ssl.SSLContext | None = None,
        cors: bool = False,
    ) -> None:
        self._core = core
        self._handler = Handler(core, executor)
        self._host, self._port = host, port
        self._timeout_s = timeout_s
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._metrics_path = metrics_path
        self._ssl_context = ssl_context
        self._cors = cors
        self._connections: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._stopping = False
        self._cutting = False
        self._under_way: set[asyncio.Task[object]] = set()

    async def start(self) -> int:
        """Listens, in the running event loop; returns the port.

        Raises:
            EnvironmentFault: the port or interface cannot be had.
        """
        loop = asyncio.get_running_loop()
        connections = web.Server(self._respond)

        def connect() -> Connection:
            return Connection(
                connections,
                loop=loop,
                keepalive_timeout=self._idle_timeout_s,
                lingering_time=_LINGERING_S,
                auto_decompress=False,  # `body` does it, within bounds and to the end
                access_log=None,  # type: ignore[arg-type]  # aiohttp's own spelling of "none"
            )

        secure = None if self._ssl_context is None else _HANDSHAKE_S
        try:
            self._listener = await loop.create_server(
                connect,
                self._host,
                self._port,
                ssl=self._ssl_context,
                ssl_handshake_timeout=secure,
                backlog=_BACKLOG,
            )
        except OSError as error:
            address = f"{self._host}:{self._port}"
            raise EnvironmentFault(f"cannot listen on {address}: {error}") from error
        self._connections = connections
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def stop(self, drain_timeout_s: float) -> None:
        """Takes no more requests; those under way end within the time, or are answered 503."""
        self._stopping = True
        if self._listener is None or self._connections is None:
            return
        self._listener.close()
        self._connections.pre_shutdown()
        until = time.monotonic() + drain_timeout_s
        while self._under_way and (left := until - time.monotonic()) > 0:
            await asyncio.wait(set(self._under_way), timeout=left)
        self._cutting = True
        for task in self._under_way:
            task.cancel()
        await self._connections.shutdown(_LAST_WORDS_S)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)  # it writes the answer, too
        try:
            return await self._answer(request)
        except asyncio.CancelledError:
            if not self._cutting:  # the client went away
                raise
            response = json_response(503, other_answers.error("The server stops"))
            response.force_close()
            return response

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        started = time.monotonic()
        name = request_id(request.headers.get(REQUEST_ID_KEY))
        try:
            content = await body.read(
                request, max_bytes=self._max_body_bytes, timeout_s=self._body_timeout_s
            )
        except body.Unreadable as error:
            response = json_response(error.status, other_answers.error(error.message))
            response.force_close()
        else:
            call = Call(name, "REST", self._deadline(), started)
            response = await self._route(request, content, call)
        response.headers[REQUEST_ID_KEY] = name
        if self._cors:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Allow-Methods"] = "POST, GET"
            response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        if self._stopping:
            response.force_close()
        return response

    def _deadline(self) -> float | None:
        # From the body's arrival, as in TensorFlow Serving: a slow line is not a slow model.
        return time.monotonic() + self._timeout_s if self._timeout_s > 0 else None

    async def _route(self, request: web.BaseRequest, content: bytes, call: Call) -> web.Response:
        path = _origin_form(request.raw_path)
        if self._metrics_path is not None and path.partition("?")[0] == self._metrics_path:
            page = self._core.metrics.exposition()
            return web.Response(body=page, headers={"Content-Type": _METRICS_TYPE})
        if not paths.is_api(path):
            message = f"Not found: {request.method} {path}"
            return json_response(404, other_answers.error(message))
        if request.method == "OPTIONS":
            return _preflight(request)
        answer = await self._handler.answer(request.method, path, content, call)
        return json_response(answer.status, answer.body)


def _origin_form(target: str) -> str:
    """Path and query of a request line that may spell out scheme and host, as proxies' do."""
    if target.startswith("/"):
        return target
    parts = urlsplit(target)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _preflight(request: web.BaseRequest) -> web.Response:
    if _WEB_ORIGIN.search(request.headers.get("Origin", "")):
        return web.Response(headers={"Server": "rankbeam"})
    return json_response(400, other_answers.error("Origin header is missing in CORS preflight"))
