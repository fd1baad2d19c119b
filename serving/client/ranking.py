"""What a ranking client answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """One candidate at its place.

    Attributes:
        index: its place in the caller's list, from 0.
        score: what it is ordered by; None where it has no finite score.
        outputs: every output of the model for it: a number, text as bytes, or a list where the
            model gives several; empty in a fallback.
        candidate: the caller's own mapping.
    """

    index: int
    score: float | None
    outputs: Mapping[str, Any]
    candidate: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One request that was sent.

    Attributes:
        method: `Predict`, `GetModelMetadata` or `GetModelStatus`.
        candidates: how many candidates it carried.
        attempt: which attempt it was, from 1.
        code: gRPC status of the answer, `OK` or the fault.
        latency_s: from sending to the answer, in seconds.
        model_version: the version that answered; None without an answer.
    """

    method: str
    candidates: int
    attempt: int
    code: str
    latency_s: float
    model_version: int | None


@dataclass(frozen=True, slots=True)
class Ranking(Sequence[RankedCandidate]):
    """Candidates, best first; a sequence of them. Equal scores keep the caller's order.

    Attributes:
        ranked: the candidates, as many as were asked for.
        score: the expression they are ordered by; in a fallback, the fallback's.
        model_name: the model asked.
        model_version: the version that gave every score; None in a fallback or without candidates.
        request_id: sent with every request as `x-request-id`, and found in the server's log.
        latency_s: the whole call, in seconds.
        calls: each request that was sent, in order, retries included.
        fallback: whether the server was away and this is the fallback's order.
        reason: why, in a fallback.
        unsent: fields that were given and not sent, since the model does not read them; empty in a
            fallback.
        missing: features of the model that no candidate and no context gave; empty in a fallback.
    """

    ranked: tuple[RankedCandidate, ...]
    score: str
    model_name: str
    model_version: int | None
    request_id: str
    latency_s: float
    calls: tuple[CallRecord, ...]
    fallback: bool
    reason: str | None
    unsent: tuple[str, ...]
    missing: tuple[str, ...]

    @overload
    def __getitem__(self, place: int) -> RankedCandidate: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[RankedCandidate, ...]: ...

    def __getitem__(self, place: int | slice) -> RankedCandidate | tuple[RankedCandidate, ...]:
        return self.ranked[place]

    def __iter__(self) -> Iterator[RankedCandidate]:
        return iter(self.ranked)

    def __len__(self) -> int:
        return len(self.ranked)
