"""How long calls of a graph take, by those before: only a short one may hold up the event loop."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from rankbeam.serving.servable import Servable
from rankbeam.serving.signature import Signature

_LONGEST_IN_LOOP_S = 0.010
"""A call that is expected to take longer never runs in the loop: others could not even connect."""

_MEMORY = 0.2
"""Weight of the newest call in a running mean."""

_Kind = tuple[str, int]
"""A signature's name, and the power of two that a call's rows stay below."""


class CallTimes:
    """Running means of seconds, by version, signature and magnitude of the rows."""

    def __init__(self) -> None:
        self._seconds: WeakKeyDictionary[Servable, dict[_Kind, float]] = WeakKeyDictionary()

    def is_short(self, servable: Servable, signature: Signature, rows: int) -> bool:
        """Whether the calls before tell that one of so many rows is; unknown ones count as long."""
        expected = self._seconds.get(servable, {}).get(_kind(signature, rows))
        return expected is not None and expected < _LONGEST_IN_LOOP_S

    @contextmanager
    def learn(self, servable: Servable, signature: Signature, rows: int) -> Iterator[None]:
        """Remembers how long the block takes, which is a call of so many rows, unless it fails.

        A bad request fails at once, and would make the next good one look short.
        """
        begin = time.monotonic()
        yield
        seconds = time.monotonic() - begin
        known, kind = self._seconds.setdefault(servable, {}), _kind(signature, rows)
        before = known.get(kind, seconds)
        known[kind] = before + _MEMORY * (seconds - before)


def _kind(signature: Signature, rows: int) -> _Kind:
    return signature.name, rows.bit_length()
