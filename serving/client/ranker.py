"""What both ranking clients share: from the caller's arguments to a `Ranking`."""

import time
import uuid
from collections.abc import Mapping, Sequence

import numpy as np

from rankbeam.serving.client.arrays import Array
from rankbeam.serving.client.asking import Asking, ServerAway
from rankbeam.serving.client.expression import Column, Expression
from rankbeam.serving.client.expression_parser import parse
from rankbeam.serving.client.job import RankJob, Scored
from rankbeam.serving.client.model_cache import ModelCache
from rankbeam.serving.client.options import RankOptions, check_timeout
from rankbeam.serving.client.ranking import RankedCandidate, Ranking
from rankbeam.serving.client.retry import Backoff
from rankbeam.serving.client.scoring import Fields, Scorer
from rankbeam.serving.client.steps import Steps
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault

_LONGEST_ID = 128


class Ranker:
    """Ranks for one model of one server; safe to share between threads."""

    def __init__(self, target: str, model_name: str, options: RankOptions) -> None:
        self._target = target
        self._model_name = model_name
        self._options = options
        self._cache = ModelCache()
        self._backoff = Backoff(options.retry)
        self._aliases = {
            name: parse(text, f"aliases.{name}") for name, text in options.aliases.items()
        }

    def rank(
        self,
        context: Fields,
        candidates: Sequence[Fields],
        *,
        score: str,
        limit: int | None,
        timeout_s: float | None,
        request_id: str | None,
    ) -> Steps[Ranking]:
        """The steps of one call; see `RankClient.rank`."""
        timeout_s = self._options.timeout_s if timeout_s is None else timeout_s
        request_id = uuid.uuid4().hex if request_id is None else request_id
        _check(context, candidates, limit, timeout_s, request_id)
        asking = Asking(self._target, request_id, timeout_s, self._backoff)
        expression = parse(score)
        scored: Scored | None = None
        reason = None
        try:
            if candidates:
                scored = yield from self._ask(asking, expression, context, candidates)
        except ServerAway as away:
            reason = str(away)
        if reason is not None:
            scores, score = self._fallback(context, candidates, timeout_s, reason)
        else:
            scores = np.empty(0) if scored is None else scored.scores
        return Ranking(
            ranked=_ordered(candidates, scores, scored.outputs if scored else {}, limit),
            score=score,
            model_name=self._model_name,
            model_version=scored.version if scored else None,
            request_id=request_id,
            latency_s=time.monotonic() - asking.started,
            calls=tuple(asking.calls),
            fallback=reason is not None,
            reason=reason,
            unsent=scored.sent.unsent if scored else (),
            missing=scored.sent.missing if scored else (),
        )

    def _ask(
        self,
        asking: Asking,
        expression: Expression,
        context: Fields,
        candidates: Sequence[Fields],
    ) -> Steps[Scored]:
        invalid = self._options.invalid_score
        scorer = Scorer(expression, context, candidates, aliases=self._aliases, invalid=invalid)
        job = RankJob(self._model_name, self._options, self._cache, asking, scorer)
        return (yield from job.run(context, candidates))

    def _fallback(
        self, context: Fields, candidates: Sequence[Fields], timeout_s: float, reason: str
    ) -> tuple[Column, str]:
        """Scores without the model, and what they are; whoever has none comes last."""
        if self._options.fallback is None:
            raise EnvironmentFault(
                f"server {self._target} must answer within {timeout_s} s; got {reason}"
            )
        text = self._options.fallback.score
        expression = parse(text, "fallback")
        scorer = Scorer(expression, context, candidates, invalid="last", field="fallback")
        try:
            return scorer.compute({}), text
        except (ConfigError, DataError):
            # A field that nobody has, or that is text: this order must not fail as well.
            return np.full(len(candidates), np.nan), text


def _check(
    context: object,
    candidates: object,
    limit: int | None,
    timeout_s: float,
    request_id: str,
) -> None:
    """Checks what does not depend on the model.

    Raises:
        DataError: context or candidates are no mappings.
        ConfigError: limit, time or request id break their rules.
    """
    if not isinstance(context, Mapping):
        raise DataError(f"context must be a mapping of field -> value; got {context!r:.80}")
    if not isinstance(candidates, Sequence) or isinstance(candidates, str | bytes):
        raise DataError(f"candidates must be a sequence of mappings; got {candidates!r:.80}")
    for index, candidate in enumerate(candidates):
        if not isinstance(candidate, dict) and not isinstance(candidate, Mapping):
            raise DataError(
                f"candidates[{index}] must be a mapping of field -> value; got {candidate!r:.80}"
            )
    if limit is not None and limit < 1:
        raise ConfigError(f"limit must be >= 1; got {limit}")
    check_timeout(timeout_s)
    printable = (
        request_id.isascii() and request_id.isprintable() and request_id == request_id.strip()
    )
    if not (printable and 1 <= len(request_id) <= _LONGEST_ID):
        raise ConfigError(
            f"request_id must be 1 to {_LONGEST_ID} printable ASCII characters; "
            f"got {request_id!r:.80}"
        )


def _ordered(
    candidates: Sequence[Fields],
    scores: Column,
    outputs: Mapping[str, Array],
    limit: int | None,
) -> tuple[RankedCandidate, ...]:
    """Highest score first, no score last; a stable sort keeps the caller's order among equals."""
    order = np.argsort(-scores, kind="stable")[:limit].tolist()
    columns = {
        name: values.reshape(len(candidates), -1)[order].tolist()
        for name, values in outputs.items()
    }
    plain = {
        name: [row[0] if len(row) == 1 else row for row in rows] for name, rows in columns.items()
    }
    values = scores.tolist()
    names = tuple(plain)
    rows = zip(*plain.values(), strict=True) if plain else ((),) * len(order)
    return tuple(
        RankedCandidate(
            index=index,
            score=None if values[index] != values[index] else values[index],  # NaN is not itself
            outputs=dict(zip(names, row, strict=True)),
            candidate=candidates[index],
        )
        for index, row in zip(order, rows, strict=True)
    )
