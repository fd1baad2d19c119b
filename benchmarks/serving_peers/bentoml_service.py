"""BentoML: a service with a raw HTTP route, which spares it JSON, Base64 and their validation.

Environment: MODEL, the SavedModel's folder.
"""

import os

import bentoml
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.serving_peers.scorer import Scorer

_scorer = Scorer(os.environ["MODEL"])


async def _score(request: Request) -> Response:
    body = await request.body()
    return Response(await run_in_threadpool(_scorer.answer, body))


_routes = Starlette(routes=[Route("/score", _score, methods=["POST"])])


@bentoml.service(workers=1)
@bentoml.asgi_app(_routes, path="/raw")
class Ranker:
    """The route /raw/score."""
