"""The end of a server: how long each part of it gets, and which did not end in time.

Neither a graph that runs nor a version that loads can be cut short. Where the drain time is over,
their threads are left behind, and the process ends without waiting for them.
"""

import asyncio
import threading
import time
from collections.abc import Callable

# What has nothing left to do ends within this time, even where the drain time is over.
_LEAST_S = 0.5


class Drain:
    """Ends one part of a server after another; the time runs from the start.

    Args:
        timeout_s: seconds that all of them get together.

    Attributes:
        cut: what did not end in time, in words.
    """

    def __init__(self, timeout_s: float) -> None:
        self._until = time.monotonic() + timeout_s
        self.cut: list[str] = []

    @property
    def remaining_s(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._until - time.monotonic())

    async def end(self, what: str, work: Callable[[], object], least_s: float = _LEAST_S) -> None:
        """Does work that may block; left behind, and noted, where it takes longer than is left.

        Args:
            what: what was cut off if so.
            work: is done in a thread of its own.
            least_s: seconds that it gets even where the drain time is over.
        """
        thread = threading.Thread(target=work, name="drain", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, max(least_s, self.remaining_s))
        if thread.is_alive():
            self.cut.append(what)
