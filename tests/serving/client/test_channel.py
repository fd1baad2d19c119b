"""The connection: TLS with real certificates, and closing."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from rankbeam.serving.client import (
    AsyncRankClient,
    ChannelOptions,
    PredictClient,
    RankClient,
    RankOptions,
    RetryPolicy,
)
from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.serving.client.conftest import Connect
from tests.serving.client.scripted_server import NAME, ScriptedServer, hanging

ONCE = RetryPolicy(max_attempts=1)


@dataclass(frozen=True)
class Certificates:
    """One self-signed pair of the server, one of the client."""

    server_key: Path
    server: Path
    client_key: Path
    client: Path


def _self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    key, chain = folder / f"{name}.key", folder / f"{name}.pem"
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*made, "-keyout", key, "-out", chain], check=True, capture_output=True)
    return key, chain


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    return Certificates(*_self_signed(folder, "rank.test"), *_self_signed(folder, "caller"))


@pytest.fixture(scope="module")
def tls_target(certificates: Certificates) -> Iterator[str]:
    """A server that asks its clients for a certificate."""
    credentials = grpc.ssl_server_credentials(
        [(certificates.server_key.read_bytes(), certificates.server.read_bytes())],
        root_certificates=certificates.client.read_bytes(),
        require_client_auth=True,
    )
    with ScriptedServer(credentials=credentials) as server:
        yield server.target


def _options(certificates: Certificates, **changes: Any) -> ChannelOptions:
    given: dict[str, Any] = {
        "root_certificates": certificates.server,
        "private_key": certificates.client_key,
        "certificate_chain": certificates.client,
        "server_name": "rank.test",
    }
    return ChannelOptions(**(given | changes))


def test_channel_with_client_certificate_ranks(
    connect: Connect, certificates: Certificates, tls_target: str
) -> None:
    rank = connect(tls_target, NAME, channel=_options(certificates), fallback=None)
    ranking = rank({}, [{"price": 1.0}, {"price": 2.0}], score="click")
    assert [each.index for each in ranking] == [1, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key": None, "certificate_chain": None},
        {"root_certificates": None, "tls": True},
        {"server_name": "another.test"},
    ],
    ids=["no client certificate", "unknown signer", "another name"],
)
def test_channel_without_trust_falls_back(
    connect: Connect, certificates: Certificates, tls_target: str, changes: dict[str, Any]
) -> None:
    channel = _options(certificates, **changes)
    rank = connect(tls_target, NAME, channel=channel, retry=ONCE, timeout_s=5.0)
    assert str(rank({}, [{}]).reason).startswith("UNAVAILABLE after 1 attempt: ")


def test_channel_serves_the_predict_client_too(certificates: Certificates, tls_target: str) -> None:
    with PredictClient(tls_target, NAME, channel=_options(certificates)) as client:
        assert set(client.metadata()) == {"raw_tensors", "serving_default"}
    with (
        PredictClient(tls_target, NAME) as client,
        pytest.raises(EnvironmentFault, match="got UNAVAILABLE"),
    ):
        client.metadata()


def test_channel_files_must_be_there_and_complete(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    with pytest.raises(
        EnvironmentFault, match=r"root_certificates must be a readable file; got .*"
    ):
        RankClient("x:1", NAME, RankOptions(channel=ChannelOptions(root_certificates=absent)))
    with pytest.raises(ConfigError, match=r"must be given together; got only .*absent"):
        ChannelOptions(private_key=absent)
    with pytest.raises(ConfigError, match="server_name must be given with TLS; got 'a' alone"):
        ChannelOptions(server_name="a")


def test_closed_client_says_so() -> None:
    with ScriptedServer() as server:
        with RankClient(server.target, NAME) as client:
            client.rank({}, [{}], score="click")
        with pytest.raises(EnvironmentFault, match="must be open; it was closed"):
            client.rank({}, [{}], score="click")

        async def use() -> None:
            async with AsyncRankClient(server.target, NAME) as client:
                await client.rank({}, [{}], score="click")
            with pytest.raises(EnvironmentFault, match="must be open; it was closed"):
                await client.rank({}, [{}], score="click")
            await AsyncRankClient(server.target, NAME).close()  # never used, hence nothing to do

        asyncio.run(use())


def test_closing_ends_a_call_under_way_and_is_no_fallback() -> None:
    with ScriptedServer(predict=hanging) as server:
        client = RankClient(server.target, NAME)
        closer = threading.Timer(0.3, client.close)
        closer.start()
        with pytest.raises(EnvironmentFault, match="must be open; it was closed"):
            client.rank({}, [{}], score="click")
        closer.join()


@pytest.mark.parametrize("largest", [1, 500])
def test_closing_ends_an_asyncio_call_under_way(largest: int) -> None:
    async def use(target: str) -> None:
        client = AsyncRankClient(target, NAME, RankOptions(max_candidates_per_request=largest))
        ranking = asyncio.create_task(client.rank({}, [{}, {}], score="click"))
        await asyncio.sleep(0.3)
        await client.close()
        with pytest.raises(EnvironmentFault, match="must be open; it was closed"):
            await ranking

    with ScriptedServer(predict=hanging) as server:
        asyncio.run(use(server.target))


def test_cancelling_a_task_cancels_its_request() -> None:
    ended = threading.Event()

    def watched(request: Any, context: Any) -> int:
        context.add_callback(ended.set)
        return hanging(request, context)

    async def use(target: str) -> None:
        async with AsyncRankClient(target, NAME) as client:
            ranking = asyncio.create_task(client.rank({}, [{}], score="click"))
            await asyncio.sleep(0.3)
            ranking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await ranking
            assert await asyncio.to_thread(ended.wait, 10.0)

    with ScriptedServer(predict=watched) as server:
        asyncio.run(use(server.target))


def test_one_asyncio_client_serves_many_tasks() -> None:
    async def use(target: str) -> list[list[int]]:
        async with AsyncRankClient(target, NAME) as client:
            rows = [[{"price": float(n * k % 7)} for n in range(7)] for k in range(1, 7)]
            rankings = await asyncio.gather(
                *(client.rank({}, row, score="click") for row in rows * 5)
            )
            return [[each.index for each in ranking] for ranking in rankings]

    with ScriptedServer() as server:
        found = asyncio.run(use(server.target))
    # n k mod 7 runs through 0 to 6, so that the best is the n for which it is 6.
    expected = [sorted(range(7), key=lambda n: -(n * k % 7)) for k in range(1, 7)]
    assert found == expected * 5
