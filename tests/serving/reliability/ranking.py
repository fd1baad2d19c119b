"""A load process that ranks through kills and restarts; no TensorFlow."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from rankbeam.serving.client import AsyncRankClient, Fallback, RankOptions, RetryPolicy
from tests.serving.waiting import NAME

CANDIDATES = [{"price": 0.1 * n, "popularity": n % 4} for n in range(12)]
_BY_SCORE = list(range(11, -1, -1))
_BY_POPULARITY = [3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8]
_CONCURRENCY = 4


@dataclass(slots=True)
class Ranked:
    """How the calls ended.

    Attributes:
        answered: request ids of rankings by the model, in the order of their ends.
        fallbacks: rankings in the marked order for when the server is away.
        wrong: rankings in any other order than theirs.
        raised: exceptions, in words.
    """

    answered: list[str] = field(default_factory=list)
    fallbacks: int = 0
    wrong: int = 0
    raised: list[str] = field(default_factory=list)


def run(target: str, stop: Path) -> Ranked:
    """Ranks until the file is there."""
    return asyncio.run(_run(target, stop))


async def _run(target: str, stop: Path) -> Ranked:
    found = Ranked()
    options = RankOptions(
        timeout_s=2.0,
        retry=RetryPolicy(max_attempts=3, initial_backoff_s=0.01, max_backoff_s=0.05),
        fallback=Fallback("popularity"),
    )
    async with AsyncRankClient(target, NAME, options) as client:
        await asyncio.gather(*(_rank(client, stop, found) for _ in range(_CONCURRENCY)))
    return found


async def _rank(client: AsyncRankClient, stop: Path, found: Ranked) -> None:
    while not stop.exists():
        try:
            ranking = await client.rank({"user": "ada"}, CANDIDATES, score="click")
        except Exception as error:  # the test is that there is none
            found.raised.append(repr(error))
            continue
        order = _BY_POPULARITY if ranking.fallback else _BY_SCORE
        found.wrong += [each.index for each in ranking] != order
        if ranking.fallback:
            found.fallbacks += 1
            await asyncio.sleep(0.005)  # nobody waits for a fallback; the load need not spin
        else:
            found.answered.append(ranking.request_id)
