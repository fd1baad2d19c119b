"""A load process that asks until the server is gone; no TensorFlow."""

import asyncio
from dataclasses import dataclass, field

import grpc

from tests.serving.reliability.asking import Asker, GrpcAsker, Question, RestAsker, Tally

_MOST_ASKED = 1_000_000


@dataclass(slots=True)
class Ending:
    """How it went.

    Attributes:
        tally: the answers.
        refused: how each connection's first refusal was spelt.
    """

    tally: Tally = field(default_factory=Tally)
    refused: list[str] = field(default_factory=list)


def run(question: Question, over_grpc: int, over_rest: int) -> Ending:
    """Keeps every connection busy until it is refused."""
    return asyncio.run(_run(question, over_grpc, over_rest))


async def _run(question: Question, over_grpc: int, over_rest: int) -> Ending:
    ending = Ending()
    askers: list[Asker] = [GrpcAsker(question) for _ in range(over_grpc)]
    askers += [RestAsker(question) for _ in range(over_rest)]
    await asyncio.gather(*(_ask(asker, question, ending) for asker in askers))
    return ending


async def _ask(asker: Asker, question: Question, ending: Ending) -> None:
    for _ in range(_MOST_ASKED):
        try:
            ending.tally.count(question, None, await asker.ask())
        except grpc.aio.AioRpcError as error:
            ending.refused.append(error.code().name)
            break
        except (OSError, EOFError):
            ending.refused.append("closed")
            break
    await asker.close()
