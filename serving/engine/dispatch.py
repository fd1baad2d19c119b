"""Where a graph runs: in the executor's threads, or in the event loop where there is one core.

Threads let several requests share the cores while the loop goes on reading and writing. On a single
core they only cost: handing a call over and back takes two wake-ups, about as much as a small model
itself. Calls that are long run in threads even there, since nobody could connect meanwhile.
"""

from collections.abc import Mapping
from concurrent.futures import Executor

from rankbeam.serving import status
from rankbeam.serving.cores import has_one_core
from rankbeam.serving.engine.call import Call
from rankbeam.serving.engine.call_times import CallTimes
from rankbeam.serving.engine.held import run_held
from rankbeam.serving.servable import Servable
from rankbeam.serving.signature import Signature
from rankbeam.serving.tensors import Array


class Dispatcher:
    """Runs signatures; all methods belong to one event loop.

    Args:
        executor: the threads.
        one_core: whether this process has one core alone; by default as it is.
    """

    def __init__(self, executor: Executor, *, one_core: bool | None = None) -> None:
        self._executor = executor
        self._one_core = has_one_core() if one_core is None else one_core
        self._times = CallTimes()

    async def run(
        self, servable: Servable, signature: Signature, arrays: Mapping[str, Array], call: Call
    ) -> dict[str, Array]:
        """Runs a signature on its inputs; returns output name -> array.

        Raises:
            status.Refusal: DEADLINE_EXCEEDED, or what the model itself says.
        """
        if self._one_core and self._times.is_short(servable, signature, _rows(arrays)):
            return self._run_here(servable, signature, arrays, call)
        return await run_held(
            servable, self._executor, self._run_here, servable, signature, arrays, call
        )

    def _run_here(
        self, servable: Servable, signature: Signature, arrays: Mapping[str, Array], call: Call
    ) -> dict[str, Array]:
        if call.expired:
            raise status.deadline_exceeded()
        with self._times.learn(servable, signature, _rows(arrays)):
            return signature.call(arrays)


def _rows(arrays: Mapping[str, Array]) -> int:
    return next((len(array) for array in arrays.values() if array.ndim), 1)
