"""Both ranking clients behind one call, so that each test is of both."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from rankbeam.serving.client import AsyncRankClient, RankClient, Ranking, RankOptions


class Rank(Protocol):
    """`rank` of either client."""

    def __call__(self, context: Any, candidates: Any, **options: Any) -> Ranking:
        """Ranks."""


class Connect(Protocol):
    """Makes a client and returns its `rank`; it is closed after the test."""

    def __call__(self, target: str, model_name: str, **options: Any) -> Rank:
        """Connects, with `RankOptions(**options)`."""


@pytest.fixture(params=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients: of the kind that waits, and for asyncio."""
    yield from _sync() if request.param == "sync" else _asyncio()


def _sync() -> Iterator[Connect]:
    clients = []

    def make(target: str, model_name: str, **options: Any) -> Rank:
        client = RankClient(target, model_name, RankOptions(**options))
        clients.append(client)
        rank: Rank = client.rank  # type: ignore[assignment]  # it is stricter than the tests
        return rank

    yield make
    for client in clients:
        client.close()


def _asyncio() -> Iterator[Connect]:
    loop = asyncio.new_event_loop()
    clients = []

    def make(target: str, model_name: str, **options: Any) -> Rank:
        client = AsyncRankClient(target, model_name, RankOptions(**options))
        clients.append(client)

        def rank(context: Any, candidates: Any, **arguments: Any) -> Ranking:
            return loop.run_until_complete(client.rank(context, candidates, **arguments))

        return rank

    yield make
    for client in clients:
        loop.run_until_complete(client.close())
    loop.close()


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port: int = closed.getsockname()[1]
    return port
