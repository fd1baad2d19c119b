"""Ranking a JSON request: what `rankbeam predict --score` does."""

import json
from dataclasses import dataclass, field
from typing import Any

from rankbeam.serving.client import RankClient, Ranking, RankOptions
from rankbeam.transform.errors import DataError

_KEYS = {"context", "candidates"}


@dataclass(frozen=True, slots=True)
class RankRequest:
    """What a user asks of `rankbeam predict --score`.

    Attributes:
        request: JSON text, `{"context": {field: value, ...}, "candidates": [{...}, ...]}`; the
            context may be left out.
        model_name: the model's name on the server.
        score: an output of the model, or an expression of outputs and fields.
        target: the server, `host:port`.
        limit: how many of the best; all by default.
        request_id: sent as `x-request-id`; a random one by default.
        options: everything else.
    """

    request: str
    model_name: str
    score: str
    target: str = "127.0.0.1:8500"
    limit: int | None = None
    request_id: str | None = None
    options: RankOptions = field(default_factory=RankOptions)


def rank(asked: RankRequest) -> dict[str, Any]:
    """Ranks the request's candidates.

    Returns:
        `{"model_name", "model_version", "request_id", "score", "fallback", "reason", "latency_ms",
        "unsent", "missing", "ranked"}`, where each of `ranked`, best first, is
        `{"index", "score", "outputs", "candidate"}`. `rankbeam.serving.client.Ranking` says what
        each of them is.

    Raises:
        DataError: the request is not JSON of that form, or does not fit the model's features.
        ConfigError: the score is no expression or names what is not there.
        RequestRejected: the server does not serve that model, version or signature.
        EnvironmentFault: the server is away, and no fallback was asked for.
    """
    context, candidates = _read(asked.request)
    with RankClient(asked.target, asked.model_name, asked.options) as client:
        ranking = client.rank(
            context,
            candidates,
            score=asked.score,
            limit=asked.limit,
            request_id=asked.request_id,
        )
    return _plain(ranking)


def _read(text: str) -> tuple[Any, Any]:
    try:
        request = json.loads(text)
    except ValueError as error:
        raise DataError(f"request must be JSON; {error}") from error
    if not isinstance(request, dict) or "candidates" not in request or set(request) - _KEYS:
        got = ", ".join(sorted(request)) if isinstance(request, dict) else type(request).__name__
        raise DataError(
            'request must be {"context": {...}, "candidates": [...]} where a score is given; '
            f"got {got or 'an empty object'}"
        )
    return request.get("context", {}), request["candidates"]


def _plain(ranking: Ranking) -> dict[str, Any]:
    return {
        "model_name": ranking.model_name,
        "model_version": ranking.model_version,
        "request_id": ranking.request_id,
        "score": ranking.score,
        "fallback": ranking.fallback,
        "reason": ranking.reason,
        "latency_ms": round(1000 * ranking.latency_s, 3),
        "unsent": list(ranking.unsent),
        "missing": list(ranking.missing),
        "ranked": [
            {
                "index": each.index,
                "score": each.score,
                "outputs": {name: _text(value) for name, value in each.outputs.items()},
                "candidate": dict(each.candidate),
            }
            for each in ranking
        ],
    }


def _text(value: Any) -> Any:
    """Outputs may hold text, which JSON cannot hold as bytes."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [_text(each) for each in value] if isinstance(value, list) else value
