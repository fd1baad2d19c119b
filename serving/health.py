"""gRPC's health protocol: "" for the whole server, and each model under its own name."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2

from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.manager import State

WHOLE_SERVER = ""


class Health:
    """Reports SERVING for a model with an AVAILABLE version, and for the server if all have one."""

    SERVICE_NAME = health.SERVICE_NAME

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry
        self._servicer = health.aio.HealthServicer()
        self._shown: dict[str, bool] = {}

    def add_to(self, server: Any) -> None:
        """Registers the service with a `grpc.aio` server."""
        check, watch = _reading(self._servicer.Check), _reading(self._servicer.Watch)
        spoken: dict[str, Any] = {
            "request_deserializer": health_pb2.HealthCheckRequest.FromString,
            "response_serializer": health_pb2.HealthCheckResponse.SerializeToString,
        }
        methods = {
            "Check": grpc.stream_unary_rpc_method_handler(check, **spoken),
            "Watch": grpc.stream_stream_rpc_method_handler(watch, **spoken),
        }
        handler = grpc.method_handlers_generic_handler(self.SERVICE_NAME, methods)
        server.add_generic_rpc_handlers((handler,))

    async def refresh(self) -> None:
        """Tells those who watch what has changed."""
        found = {name: self._serves(name) for name in self._registry.names()}
        found[WHOLE_SERVER] = bool(found) and all(found.values())
        for name, serves in found.items():
            if self._shown.get(name) is not serves:
                await self._servicer.set(name, _status(serves))
        for name in self._shown.keys() - found.keys():
            await self._servicer.set(name, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        self._shown = found

    async def drain(self) -> None:
        """Tells everyone that the server is about to end."""
        await self._servicer.enter_graceful_shutdown()

    def _serves(self, name: str) -> bool:
        return any(row.state is State.AVAILABLE for row in self._registry.all_statuses(name))


def _reading(
    operation: Callable[[Any, Any], Awaitable[Any]],
) -> Callable[[Any, Any], Awaitable[Any]]:
    """Reads the request itself, as `grpc_front` does: who sends none is answered too."""

    async def handle(_: object, context: Any) -> Any:
        request = await context.read()
        if request is grpc.aio.EOF:
            await context.abort(grpc.StatusCode.INTERNAL, "No payload")
        return await operation(request, context)

    return handle


def _status(serves: bool) -> int:
    kinds = health_pb2.HealthCheckResponse
    return int(kinds.SERVING if serves else kinds.NOT_SERVING)
