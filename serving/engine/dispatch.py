"""Where a graph runs: in the executor's threads, or in the event loop where there is one core.

Threads let several requests share the cores while the loop goes on reading and writing. On a single
core they only cost: handing a call over and back takes two wake-ups, about as much as a small model
itself. Calls that are long run in threads even there, since nobody could connect meanwhile.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from weakref import WeakKeyDictionary

from rankbeam.serving import status
from rankbeam.serving.cores import has_one_core
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.held import run_held
from rankbeam.serving.servable import Servable
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array

_LONGEST_IN_LOOP_S = 0.010
"""A call that is expected to take longer never runs in the loop: others could not even connect."""

_MEMORY = 0.2
"""Weight of the newest call in a running mean."""

_Kind = tuple[str, int]
"""A signature's name, and the power of two that a call's rows stay below."""


class Dispatcher:
    """Runs signatures; all methods belong to one event loop.

    Args:
        executor: the threads.
        one_core: whether this process has one core alone; by default as it is.
    """

    def __init__(self, executor: Executor, *, one_core: bool | None = None) -> None:
        self._executor = executor
        self._one_core = has_one_core() if one_core is None else one_core
        self._seconds: WeakKeyDictionary[Servable, dict[_Kind, float]] = WeakKeyDictionary()

    async def run(
        self, servable: Servable, signature: Signature, arrays: Mapping[str, Array], call: Call
    ) -> dict[str, Array]:
        """Runs a signature on its inputs; returns output name -> array.

        Raises:
            status.Refusal: DEADLINE_EXCEEDED, or what the model itself says.
        """
        if self._one_core and self._is_short(servable, _kind(signature, arrays)):
            return self._run_here(servable, signature, arrays, call)
        return await run_held(
            servable, self._executor, self._run_here, servable, signature, arrays, call
        )

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
