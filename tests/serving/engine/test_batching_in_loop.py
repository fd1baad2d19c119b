"""Batches on a single core: in the event loop where they are known to be short."""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import grpc
import numpy as np
import pytest

from rankbeam.serving.engine import call_times
from rankbeam.serving.engine.batching import Batcher
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.servable import Servable
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.signature import Signature
from rankbeam.serving.status import Refusal
from rankbeam.serving.tensors import Array
from tests.serving.engine.batched import LONG_MICROS, Counted, examples, expected


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are short however busy the machine is."""
    monkeypatch.setattr(call_times, "_LONGEST_IN_LOOP_S", 60.0)


def _threads_of_batches(
    servable: Servable, executor: ThreadPoolExecutor, *, one_core: bool
) -> list[bool]:
    """Whether each of ten batches ran in the event loop; all answers are checked."""
    settings = BatchingSettings(max_batch_size=4, batch_timeout_micros=LONG_MICROS)
    signature = servable.signature("")
    in_loop: list[bool] = []

    def call(arrays: Mapping[str, Array]) -> dict[str, Array]:
        in_loop.append(threading.get_ident() == loop_thread)
        return signature.call(arrays)

    watched = cast(Signature, SimpleNamespace(name=signature.name, call=call))

    async def main() -> None:
        batcher = Batcher(settings, executor, Metrics(), one_core=one_core)
        for _ in range(10):
            answers = await asyncio.gather(
                *(batcher.call(servable, watched, examples(at, 1), None) for at in range(4))
            )
            for at, answer in enumerate(answers):
                assert answer is not None
                np.testing.assert_allclose(answer["click"], expected(at, 1), atol=2e-7)

    loop_thread = threading.get_ident()
    asyncio.run(main())
    return in_loop


def test_batching_on_one_core_runs_short_batches_in_the_loop_once_they_are_known(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    in_loop = _threads_of_batches(servable, executor, one_core=True)
    assert not in_loop[0], "nothing is known of the first batch"
    assert in_loop[-1]


def test_batching_on_several_cores_runs_every_batch_in_a_thread(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    assert _threads_of_batches(servable, executor, one_core=False) == [False] * 10


def test_batching_in_the_loop_goes_on_with_what_waits(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=2, batch_timeout_micros=2_000)
    metrics = Counted()

    async def main() -> list[Any]:
        batcher = Batcher(settings, executor, metrics, one_core=True)
        for _ in range(5):
            await batcher.call(servable, servable.signature(""), examples(0, 2), None)
        return await asyncio.gather(
            *(
                batcher.call(servable, servable.signature(""), examples(at, 1), None)
                for at in range(7)
            )
        )

    for at, answer in enumerate(asyncio.run(main())):
        np.testing.assert_allclose(answer["click"], expected(at, 1), atol=2e-7)
    assert metrics.sizes == [2] * 8 + [1]


class Failing:
    """A signature that fails as it is told, and notes the threads it ran in."""

    def __init__(self, signature: Signature) -> None:
        self.name = signature.name
        self.failure: Exception | None = None
        self.threads: list[int] = []
        self._signature = signature

    def call(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the real one, or fails."""
        self.threads.append(threading.get_ident())
        if self.failure is not None:
            raise self.failure
        return self._signature.call(arrays)


async def _warm(batcher: Batcher, servable: Servable, signature: Signature) -> None:
    for _ in range(5):
        await batcher.call(servable, signature, examples(0, 2), None)


def _two_in_loop(
    servable: Servable,
    executor: ThreadPoolExecutor,
    failing: Failing,
    requests: list[dict[str, Any]],
    failure: Exception | None = None,
) -> tuple[list[Any], list[int]]:
    """What two requests of one batch get in the loop; the threads in which the graph ran."""
    settings = BatchingSettings(max_batch_size=2, batch_timeout_micros=LONG_MICROS)
    signature = cast(Signature, failing)

    async def main() -> list[Any]:
        batcher = Batcher(settings, executor, Metrics(), one_core=True)
        await _warm(batcher, servable, signature)
        failing.threads.clear()
        failing.failure = failure
        calls = (batcher.call(servable, signature, one, None) for one in requests)
        found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 30)
        failing.failure = None
        again = await batcher.call(servable, signature, examples(0, 2), None)
        assert again is not None
        np.testing.assert_allclose(again["click"], expected(0, 2), atol=2e-7)
        return found

    return asyncio.run(main()), failing.threads


def test_batching_in_the_loop_runs_the_rest_of_a_bad_batch_in_a_thread(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    failing = Failing(servable.signature(""))
    bad = {"examples": np.array([b"\xff no example"], dtype=object)}
    (refused, answer), threads = _two_in_loop(servable, executor, failing, [bad, examples(3, 1)])
    assert isinstance(refused, Refusal)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    np.testing.assert_allclose(answer["click"], expected(3, 1), atol=2e-7)
    here = threading.get_ident()
    assert [thread == here for thread in threads] == [True, False, False, True]


def test_batching_in_the_loop_answers_everybody_where_the_graph_breaks(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    failing = Failing(servable.signature(""))
    requests = [examples(0, 1), examples(1, 1)]
    found, _ = _two_in_loop(servable, executor, failing, requests, MemoryError("no room"))
    assert [type(one) for one in found] == [Refusal, Refusal]
    assert "no room" in str(found[0])


def test_batching_in_the_loop_passes_over_a_caller_that_hung_up(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    settings = BatchingSettings(max_batch_size=2, batch_timeout_micros=LONG_MICROS)
    signature = servable.signature("")

    async def main() -> Any:
        batcher = Batcher(settings, executor, Metrics(), one_core=True)
        await _warm(batcher, servable, signature)
        gone = asyncio.ensure_future(batcher.call(servable, signature, examples(0, 1), None))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        return await batcher.call(servable, signature, examples(5, 1), None)

    answer = asyncio.run(asyncio.wait_for(main(), 30))
    np.testing.assert_allclose(answer["click"], expected(5, 1), atol=2e-7)
