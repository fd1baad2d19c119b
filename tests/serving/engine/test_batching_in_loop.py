"""Batches on a single core: in the event loop where they are known to be short."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from rankbeam.serving.engine.batching import Batcher
from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.batching import BatchingSettings
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array
from tests.serving.engine.batched import LONG_MICROS, Counted, examples, expected


@pytest.fixture(scope="module")
def servable(saved_model: Path) -> Servable:
    return load_servable("tiny", 1, saved_model)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


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
