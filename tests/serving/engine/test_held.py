"""A version stays in memory for work whose caller has left."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rankbeam.serving.engine.held import run_held
from rankbeam.serving.servable import Servable, load_servable


@pytest.fixture
def servable(saved_model: Path) -> Servable:
    return load_servable("tiny", 1, saved_model)


def test_held_version_outlives_a_caller_that_was_cancelled(servable: Servable) -> None:
    go_on, counts = threading.Event(), []

    def work() -> None:
        go_on.wait(30)
        counts.append(servable.signature("parsed_examples").call({})["count"])

    async def main(executor: ThreadPoolExecutor) -> None:
        assert servable.acquire()
        running = run_held(servable, executor, work)
        await asyncio.sleep(0)
        running.cancel()
        servable.release()
        servable.retire()

    with ThreadPoolExecutor(1) as executor:
        asyncio.run(main(executor))
        assert servable.in_use
        go_on.set()
    assert counts == [0], "the graph ran to its end on an open session"
    assert not servable.in_use


def test_held_work_that_never_starts_lets_go(servable: Servable) -> None:
    go_on = threading.Event()

    async def main(executor: ThreadPoolExecutor) -> None:
        executor.submit(go_on.wait, 30)
        running = run_held(servable, executor, lambda: None)
        held = servable.in_use
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.sleep(0)  # the executor is told in the loop's next round
        assert (held, servable.in_use) == (True, False)
        go_on.set()

    with ThreadPoolExecutor(1) as executor:
        asyncio.run(main(executor))


def test_held_work_refused_by_the_executor_lets_go(servable: Servable) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="after shutdown"):
            run_held(servable, executor, lambda: None)

    asyncio.run(main())
    assert not servable.in_use
