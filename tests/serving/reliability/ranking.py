"""A load process that ranks through kills and restarts; no TensorFlow."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from rankbeam.serving.client import AsyncRankClient, Fallback, RankOptions, RetryPolicy
from tests.serving.waiting import NAME

CANDIDATES = [{"price": 0.1 * n, "popularity": n % 4} for n in range(12)]
_BY_SCORE = list(range(11, -1, -1))
_BY_POPULARITY = [3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8]
CONCURRENCY = 4
TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """One ranking.

    Attributes:
        request_id: the request's id.
        fallback: whether it is marked as the order for when the server is away.
        began: `time.monotonic()` seconds, which all processes of a machine share.
        ended: the same.
    """

    request_id: str
    fallback: bool
    began: float
    ended: float


@dataclass(slots=True)
class Ranked:
    """How the calls ended.

    Attributes:
        calls: rankings in the order of their ends.
        wrong: how many have another order than theirs.
        raised: exceptions, in words.
    """

    calls: list[Call] = field(default_factory=list)
    wrong: int = 0
    raised: list[str] = field(default_factory=list)

    @property
    def answered(self) -> list[Call]:
        """Rankings by the model."""
        return [call for call in self.calls if not call.fallback]

    @property
    def fallbacks(self) -> list[Call]:
        """Rankings in the marked order."""
        return [call for call in self.calls if call.fallback]


def run(target: str, stop: Path) -> Ranked:
    """Ranks until the file is there."""
    return asyncio.run(_run(target, stop))


async def _run(target: str, stop: Path) -> Ranked:
    found = Ranked()
    options = RankOptions(
        timeout_s=TIMEOUT_S,
        retry=RetryPolicy(max_attempts=3, initial_backoff_s=0.01, max_backoff_s=0.05),
        fallback=Fallback("popularity"),
    )
    async with AsyncRankClient(target, NAME, options) as client:
        await asyncio.gather(*(_rank(client, stop, found) for _ in range(CONCURRENCY)))
    return found


async def _rank(client: AsyncRankClient, stop: Path, found: Ranked) -> None:
    while not stop.exists():
        began = time.monotonic()
        try:
            ranking = await client.rank({"user": "ada"}, CANDIDATES, score="click")
        except Exception as error:  # the test is that there is none
            found.raised.append(repr(error))
            continue
        call = Call(ranking.request_id, ranking.fallback, began, time.monotonic())
        found.calls.append(call)
        order = _BY_POPULARITY if ranking.fallback else _BY_SCORE
        found.wrong += [each.index for each in ranking] != order
        if ranking.fallback:
            await asyncio.sleep(0.005)  # nobody waits for a fallback; the load need not spin
