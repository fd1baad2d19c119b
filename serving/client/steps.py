"""What a ranking asks of whoever runs it: send these requests at once, or wait.

The ranking itself (`rankbeam.serving.client.job`) is a generator that yields steps and is sent
their outcomes, so that the sync and the asyncio client differ in nothing but how they wait.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import grpc

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Send:
    """Requests to send at once.

    Attributes:
        method: the gRPC method of all of them.
        requests: the messages.
        timeout_s: the deadline of each, in seconds from now.
        metadata: gRPC metadata, sent with each.
    """

    method: str
    requests: tuple[Any, ...]
    timeout_s: float
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request ended.

    Attributes:
        code: the gRPC status; OK with an answer.
        details: the server's words, or gRPC's.
        response: the answer, or None.
        latency_s: from sending to the end, in seconds.
    """

    code: grpc.StatusCode
    details: str
    response: Any
    latency_s: float


Step: TypeAlias = Send | Pause
Outcomes: TypeAlias = tuple[Outcome, ...]
"""One outcome per request, in order; none for a pause."""

Steps: TypeAlias = Generator[Step, Outcomes, _Answer]


def failure(error: Any, latency_s: float) -> Outcome:
    """The outcome of a request that ended in a grpc.RpcError."""
    return Outcome(error.code(), error.details() or "", None, latency_s)


def success(response: Any, latency_s: float) -> Outcome:
    """The outcome of a request that was answered."""
    return Outcome(grpc.StatusCode.OK, "", response, latency_s)
