"""Where graphs run: in threads; on one core, in the loop where they are known to be short."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.dispatch import Dispatcher
from rankbeam.serving.servable import Servable
from rankbeam.serving.signature import Signature
from rankbeam.serving.status import Refusal
from rankbeam.serving.tensors import Array
from tests.serving import tiny_models

CALL = Call("id", "gRPC")


class Watched:
    """A signature that notes the threads it ran in, and takes as long as it is told."""

    def __init__(self, signature: Signature, seconds: float = 0.0) -> None:
        self.name = signature.name
        self.threads: list[int] = []
        self._signature = signature
        self._seconds = seconds

    def call(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """Runs the real one."""
        self.threads.append(threading.get_ident())
        time.sleep(self._seconds)
        return self._signature.call(arrays)


def _rows() -> dict[str, Array]:
    return {"examples": np.array(tiny_models.examples(), dtype=object)}


async def _ask(dispatcher: Dispatcher, servable: Servable, watched: Watched) -> dict[str, Array]:
    return await dispatcher.run(servable, watched, _rows(), CALL)  # type: ignore[arg-type]


def test_dispatch_on_one_core_runs_a_short_call_in_the_loop_once_it_is_known(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    watched = Watched(servable.signature(""))

    async def main() -> dict[str, Array]:
        dispatcher = Dispatcher(executor, one_core=True)
        for _ in range(20):
            found = await _ask(dispatcher, servable, watched)
        return found

    found = asyncio.run(main())
    here = threading.get_ident()
    assert watched.threads[0] != here, "nothing is known of the first call"
    assert watched.threads[-1] == here
    np.testing.assert_allclose(found["click"], tiny_models.oracle()["click"], atol=2e-7)


def test_dispatch_on_several_cores_runs_every_call_in_a_thread(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    watched = Watched(servable.signature(""))

    async def main() -> list[dict[str, Array]]:
        dispatcher = Dispatcher(executor, one_core=False)
        return await asyncio.gather(*(_ask(dispatcher, servable, watched) for _ in range(6)))

    answers = asyncio.run(main())
    assert threading.get_ident() not in watched.threads
    assert len(watched.threads) == 6
    for answer in answers:
        np.testing.assert_allclose(answer["click"], tiny_models.oracle()["click"], atol=2e-7)


def test_dispatch_keeps_long_calls_out_of_the_loop(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    watched = Watched(servable.signature(""), seconds=0.03)

    async def main() -> None:
        dispatcher = Dispatcher(executor, one_core=True)
        for _ in range(5):
            await _ask(dispatcher, servable, watched)

    asyncio.run(main())
    assert threading.get_ident() not in watched.threads


def test_dispatch_refuses_a_call_that_nobody_waits_for(
    servable: Servable, executor: ThreadPoolExecutor
) -> None:
    watched = Watched(servable.signature(""))
    late = Call("id", "gRPC", deadline=time.monotonic() - 1.0)

    async def main() -> None:
        await Dispatcher(executor).run(servable, watched, _rows(), late)  # type: ignore[arg-type]

    with pytest.raises(Refusal, match="DEADLINE_EXCEEDED"):
        asyncio.run(main())
    assert watched.threads == []
