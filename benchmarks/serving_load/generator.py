"""The load: a process of its own that keeps N requests under way for a while.

It reads jobs, one JSON object a line, from standard input and answers each with one line. Requests
are bytes made beforehand; answers are counted, and a sample is kept as bytes for others to check,
so that the measurement pays neither for making nor for reading protos. It imports no TensorFlow.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import uvloop

from benchmarks.serving_load import http_client
from benchmarks.serving_load.figures import summary

_TIMEOUT_S = 30.0
_SAMPLE_EVERY = 64
_MOST_ERRORS_SHOWN = 5
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A subchannel is otherwise shared by all channels to one address, across two measurements.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class Job:
    """What to send, where, for how long.

    Attributes:
        protocol: grpc or http.
        target: host:port.
        path: Of the HTTP route, or of the gRPC method.
        content_type: Of the HTTP body.
        requests: Files that hold one message or body each.
        samples: Folder for the sampled answers; empty for none.
        concurrency: Requests under way at the same time.
        seconds: How long the measurement lasts.
        warm_up_s: How long requests run before it, uncounted.
    """

    protocol: str
    target: str
    requests: list[str]
    samples: str
    concurrency: int
    seconds: float
    path: str
    content_type: str = ""
    warm_up_s: float = 0.2


@dataclass
class Tally:
    """What came back.

    Attributes:
        latencies: Seconds of each request that was answered within the measurement.
        errors: What went wrong, once for each request.
        samples: Request number and answer.
        seconds: From the first request of the measurement to its last answer.
    """

    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    samples: list[tuple[int, bytes]] = field(default_factory=list)
    seconds: float = 0.0


Send = Callable[[bytes], Awaitable[bytes]]


async def drive(sends: list[Send], bodies: list[bytes], seconds: float) -> Tally:
    """Keeps every sender busy for a while, each with the next body in turn.

    Raises:
        asyncio.TimeoutError: An answer is missing long after the end.
    """
    tally = Tally()
    clock = time.perf_counter
    turn = 0

    async def one(send: Send) -> None:
        nonlocal turn
        while clock() < end:
            number = turn
            turn += 1
            at = number % len(bodies)
            begin = clock()
            try:
                answer = await send(bodies[at])
            except (grpc.RpcError, http_client.HttpError) as error:
                tally.errors.append(describe(error))
                await asyncio.sleep(0.001)  # a server that is away must not be spun at
                continue
            tally.latencies.append(clock() - begin)
            if number < len(bodies) or number % _SAMPLE_EVERY == 0:
                tally.samples.append((at, answer))

    start = clock()
    end = start + seconds
    await asyncio.wait_for(asyncio.gather(*(one(send) for send in sends)), seconds + _TIMEOUT_S)
    tally.seconds = clock() - start
    return tally


def describe(error: BaseException) -> str:
    """One line about a failed request."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return f"{type(error).__name__}: {error}"


async def measure(job: Job) -> dict[str, object]:
    """Runs a job: figures, the number of errors, and the samples' files."""
    bodies = [Path(file).read_bytes() for file in job.requests]
    runner = _over_grpc if job.protocol == "grpc" else _over_http
    gc.collect()
    gc.disable()
    try:
        tally = await runner(job, bodies)
    finally:
        gc.enable()
    return {
        **summary(tally.latencies, tally.seconds),
        "errors": len(tally.errors),
        "first_errors": tally.errors[:_MOST_ERRORS_SHOWN],
        "samples": _keep(tally.samples, job.samples),
    }


async def _over_grpc(job: Job, bodies: list[bytes]) -> Tally:
    async with grpc.aio.insecure_channel(job.target, _CHANNEL_OPTIONS) as channel:
        call = channel.unary_unary(job.path)  # without serializers: bytes in, bytes out

        async def send(body: bytes) -> bytes:
            answer: bytes = await call(body, timeout=_TIMEOUT_S)
            return answer

        sends: list[Send] = [send] * job.concurrency
        await drive(sends, bodies, job.warm_up_s)
        return await drive(sends, bodies, job.seconds)


async def _over_http(job: Job, bodies: list[bytes]) -> Tally:
    host, port = job.target.rsplit(":", 1)
    requests = [http_client.post(job.target, job.path, job.content_type, body) for body in bodies]
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(http_client.Connection, host, int(port)))[1]
        for _ in range(job.concurrency)
    ]
    sends: list[Send] = [connection.send for connection in connections]
    try:
        await drive(sends, requests, job.warm_up_s)
        return await drive(sends, requests, job.seconds)
    finally:
        for connection in connections:
            connection.close()


def _keep(samples: list[tuple[int, bytes]], folder: str) -> list[tuple[int, str]]:
    if not folder:
        return []
    kept = []
    for number, (at, answer) in enumerate(samples):
        file = Path(folder) / f"{number}.bin"
        file.write_bytes(answer)
        kept.append((at, str(file)))
    return kept


def main() -> None:
    """Answers jobs until standard input ends."""
    uvloop.install()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asyncio.run(measure(Job(**json.loads(line))))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
