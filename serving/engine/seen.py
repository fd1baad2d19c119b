"""A request under way: the version that it holds, and what is counted of it in the end.

Both are context managers, and classes, since a generator with `contextmanager` costs every request
2 µs more.
"""

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType

import grpc

from rankbeam.serving import status
from rankbeam.serving.engine import describe
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.engine.registry import ModelRegistry
from rankbeam.serving.servable import Servable


@dataclass(slots=True, eq=False)
class Seen:
    """What a request turned out to be; counted when the block ends."""

    metrics: Metrics
    method: str
    call: Call
    model: str = ""
    version: int | None = None
    signature: str = ""
    candidates: int = 0
    runtime_s: float | None = None

    def __enter__(self) -> "Seen":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = grpc.StatusCode.OK
        if isinstance(error, Exception):
            code = status.as_refusal(error).code
        elif isinstance(error, asyncio.CancelledError):
            code = grpc.StatusCode.CANCELLED
        call = self.call
        self.metrics.observe(
            model=self.model,
            version=self.version,
            signature=self.signature,
            method=self.method if call.api == "gRPC" else self.method.lower(),
            api=call.api,
            code=code,
            seconds=time.monotonic() - call.started,
            candidates=self.candidates,
            runtime_seconds=self.runtime_s,
        )


class Use:
    """The version that a request asks for, held for a block."""

    __slots__ = ("_registry", "_request", "_seen", "_servable")

    def __init__(self, registry: ModelRegistry, request: describe.HasModelSpec, seen: Seen) -> None:
        self._registry, self._request, self._seen = registry, request, seen

    def __enter__(self) -> Servable:
        spec = describe.spec_of(self._request)
        if spec.name in self._registry.names():
            self._seen.model = spec.name
        self._servable = self._registry.acquire(spec)
        self._seen.version = self._servable.version
        return self._servable

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._servable.release()
