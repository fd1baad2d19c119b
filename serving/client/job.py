"""One `rank` call from candidates to their order, without the sending: see `steps`."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rankbeam.serving.client import arrays, protocol
from rankbeam.serving.client.asking import Asking, ServerAway, VersionGone
from rankbeam.serving.client.candidates import EncodedCandidates
from rankbeam.serving.client.expression import Column
from rankbeam.serving.client.model_cache import KnownModel, ModelCache, read_model
from rankbeam.serving.client.options import RankOptions
from rankbeam.serving.client.scoring import Fields, Scorer
from rankbeam.serving.client.signatures import metadata_request
from rankbeam.serving.client.steps import Steps
from rankbeam.serving.errors import RequestRejected
from rankbeam.transform.errors import ConfigError, DataError

# How often a request is begun anew because the server changed versions under it.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Scored:
    """What the server's answers come to.

    Attributes:
        scores: the score of each candidate, (candidates,); NaN for those that come last.
        outputs: the model's outputs, each with one row per candidate.
        version: the version that gave all of them.
        sent: what was sent.
    """

    scores: Column
    outputs: Mapping[str, arrays.Array]
    version: int
    sent: EncodedCandidates


class RankJob:
    """One call; `run` may be used once."""

    def __init__(
        self,
        model_name: str,
        options: RankOptions,
        cache: ModelCache,
        asking: Asking,
        scorer: Scorer,
    ) -> None:
        self._name = model_name
        self._options = options
        self._cache = cache
        self._asking = asking
        self._scorer = scorer

    def run(self, context: Fields, candidates: Sequence[Fields]) -> Steps[Scored]:
        """Asks the server.

        Raises:
            ConfigError, DataError, RequestRejected: the request is wrong.
            ServerAway: there is no answer to be had.
        """
        model: KnownModel | None = self._cache.known
        fresh = model is None
        for _ in range(_ROUNDS):
            if model is None:
                model = yield from self._meet()
            try:
                self._scorer.check(model.outputs)
                sent = model.encoder.encode(context, candidates, self._options.local_fields)
                outputs, version = yield from self._predict(model, sent.examples)
            except (ConfigError, DataError, RequestRejected) as error:
                if fresh:
                    raise
                # What is remembered of the model may be out of date; the request may be right.
                model = yield from self._met_again(model, error)
                fresh = True
                continue
            if version != model.version:
                answering = yield from self._meet_version(version)
                same = answering is not None and answering.asks_the_same(model)
                model, fresh = answering, True
                if not same:
                    continue
            return Scored(self._scorer.compute(outputs), outputs, version, sent)
        raise ServerAway(f"versions of {self._name} changed {_ROUNDS} times under the request")

    def _met_again(self, model: KnownModel, error: Exception) -> Steps[KnownModel]:
        try:
            found = yield from self._meet()
        except (ConfigError, RequestRejected, ServerAway):
            raise error from None
        if found.asks_the_same(model):
            raise error
        return found

    def _meet(self) -> Steps[KnownModel]:
        """Asks for the metadata of the version that the options choose, and keeps them."""
        known = self._cache.known is not None
        request = metadata_request(self._spec("", None))
        [answer] = yield from self._asking.ask(protocol.METADATA, [request], known=known)
        return self._keep(answer)

    def _meet_version(self, version: int) -> Steps[KnownModel | None]:
        """Asks for the metadata of a version that has just answered; None if it serves no more."""
        request = metadata_request(self._spec("", version))
        try:
            [answer] = yield from self._asking.ask(protocol.METADATA, [request], pinned=True)
        except VersionGone:
            return None
        return self._keep(answer)

    def _keep(self, answer: Any) -> KnownModel:
        self._cache.known = found = read_model(answer, self._options.signature_name)
        return found

    def _spec(self, signature_name: str, version: int | None) -> Any:
        if version is None:
            version, label = self._options.version, self._options.label
            return protocol.model_spec(self._name, signature_name, version=version, label=label)
        return protocol.model_spec(self._name, signature_name, version=version)

    def _predict(
        self, model: KnownModel, examples: list[bytes]
    ) -> Steps[tuple[Mapping[str, arrays.Array], int]]:
        """Scores all examples by one version, in as many requests as it takes."""
        parts = split(examples, self._options.max_candidates_per_request)
        for _ in range(_ROUNDS):
            answers = yield from self._ask(model, parts, None)
            versions = [int(answer.model_spec.version.value) for answer in answers]
            newest = max(versions)
            older = [place for place, version in enumerate(versions) if version != newest]
            if older:
                try:
                    again = yield from self._ask(model, [parts[p] for p in older], newest)
                except VersionGone:
                    continue
                for place, answer in zip(older, again, strict=True):
                    answers[place] = answer
            return _join(answers, [len(part) for part in parts]), newest
        raise ServerAway(f"versions of {self._name} changed {_ROUNDS} times under the request")

    def _ask(
        self, model: KnownModel, parts: Sequence[list[bytes]], version: int | None
    ) -> Steps[list[Any]]:
        spec = self._spec(self._options.signature_name, version)
        requests = []
        for part in parts:
            request = protocol.PredictRequest(model_spec=spec)
            tensor = request.inputs[model.input_name]
            tensor.dtype = arrays.STRING
            tensor.tensor_shape.dim.add(size=len(part))
            tensor.string_val.extend(part)
            requests.append(request)
        return (
            yield from self._asking.ask(
                protocol.PREDICT,
                requests,
                sizes=[len(part) for part in parts],
                pinned=version is not None,
                known=True,
            )
        )


def split(examples: list[bytes], largest: int) -> list[list[bytes]]:
    """The fewest parts of at most `largest`, whose sizes differ by at most one, in order."""
    count = -(-len(examples) // largest)
    bounds = [len(examples) * part // count for part in range(count + 1)]
    return [examples[begin:end] for begin, end in itertools.pairwise(bounds)]


def _join(answers: Sequence[Any], sizes: Sequence[int]) -> dict[str, arrays.Array]:
    decoded = [
        {name: arrays.decode(proto) for name, proto in answer.outputs.items()} for answer in answers
    ]
    for outputs, size in zip(decoded, sizes, strict=True):
        for name, values in outputs.items():
            if values.ndim == 0 or len(values) != size:
                raise DataError(
                    f"output {name} must have one row a candidate; got shape {values.shape} "
                    f"for {size} candidates"
                )
    names = sorted(decoded[0])
    return {name: np.concatenate([outputs[name] for outputs in decoded]) for name in names}
