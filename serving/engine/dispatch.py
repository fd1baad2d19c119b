"""Where a graph runs: in the event loop while a request is alone, else in the executor's threads.

Handing a call to a thread and back costs two wake-ups, about as much as a small model itself. A
request that is alone needs none: nobody waits for the loop. As soon as others are there, they go to
threads, so that the loop goes on reading and writing and the cores share the work.
"""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from weakref import WeakKeyDictionary

from rankbeam.serving import status
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.held import run_held
from rankbeam.serving.servable import Servable
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array

_LONGEST_IN_LOOP_S = 0.003
"""A call that is expected to take longer never runs in the loop: others could not even connect."""

_MEMORY = 0.2
"""Weight of the newest call in a running mean."""

_Kind = tuple[str, int]
"""A signature's name, and the power of two that a call's rows stay below."""


class Dispatcher:
    """Runs signatures; all methods belong to one event loop.

    Args:
        executor: the threads.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._present = 0
        self._seconds: WeakKeyDictionary[Servable, dict[_Kind, float]] = WeakKeyDictionary()

    async def run(
        self, servable: Servable, signature: Signature, arrays: Mapping[str, Array], call: Call
    ) -> dict[str, Array]:
        """Runs a signature on its inputs; returns output name -> array.

        Raises:
            status.Refusal: DEADLINE_EXCEEDED, or what the model itself says.
        """
        self._present += 1
        try:
            await asyncio.sleep(0)  # whoever came together with this request is counted after it
            if self._present == 1 and self._is_short(servable, _kind(signature, arrays)):
                return self._run_here(servable, signature, arrays, call)
            return await run_held(
                servable, self._executor, self._run_here, servable, signature, arrays, call
            )
        finally:
            self._present -= 1

    def _is_short(self, servable: Servable, kind: _Kind) -> bool:
        """Whether the calls before tell that this one is short; unknown ones count as long."""
        expected = self._seconds.get(servable, {}).get(kind)
        return expected is not None and expected < _LONGEST_IN_LOOP_S

    def _run_here(
        self, servable: Servable, signature: Signature, arrays: Mapping[str, Array], call: Call
    ) -> dict[str, Array]:
        if call.expired:
            raise status.deadline_exceeded()
        begin = time.monotonic()
        try:
            return signature.call(arrays)
        finally:
            self._learn(servable, _kind(signature, arrays), time.monotonic() - begin)

    def _learn(self, servable: Servable, kind: _Kind, seconds: float) -> None:
        known = self._seconds.setdefault(servable, {})
        before = known.get(kind, seconds)
        known[kind] = before + _MEMORY * (seconds - before)


def _kind(signature: Signature, arrays: Mapping[str, Array]) -> _Kind:
    rows = next((len(array) for array in arrays.values() if array.ndim), 1)
    return signature.name, rows.bit_length()
