"""Ray Serve: one deployment; the raw request body in, bytes out.

Environment: MODEL, the SavedModel's folder.
"""

import asyncio
import os

from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.serving_peers.scorer import Scorer


@serve.deployment(num_replicas=1, max_ongoing_requests=64)
class Ranker:
    """Answers raw bodies (see `frames`)."""

    def __init__(self, path: str) -> None:
        self._scorer = Scorer(path)

    async def __call__(self, request: Request) -> Response:
        """Scores the examples of a body, off the replica's event loop."""
        body = await request.body()
        return Response(await asyncio.to_thread(self._scorer.answer, body))


app = Ranker.bind(os.environ["MODEL"])  # type: ignore[attr-defined]  # the decorator adds it
