"""Ctrl-C and SIGTERM as an ordinary error, so that a node cleans up what it has half written.

TFX removes a failed node's outputs where an `Exception` reaches it; `KeyboardInterrupt` is none.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rankbeam.transform.errors import RankbeamError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(RankbeamError):
    """The run was asked to end; `exit_code` is 128 plus the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}; run again to resume")
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` in the main thread at the first signal; end at once at the second."""
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        raise Interrupted(number)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
