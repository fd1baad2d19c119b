"""Context and candidates to serialized tf.Examples, with the context encoded once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rankbeam.serving.client.scoring import Fields
from rankbeam.serving.examples import EntryEncoder, FeatureType, encode_example, plain_encoder
from rankbeam.serving.requests import feature_entry, unknown_feature
from rankbeam.transform.errors import DataError


@dataclass(frozen=True, slots=True)
class EncodedCandidates:
    """What is sent, and what is not.

    Attributes:
        examples: one serialized tf.Example per candidate.
        unsent: fields that the model does not read, sorted.
        missing: the model's features that were nowhere given, sorted.
    """

    examples: list[bytes]
    unsent: tuple[str, ...]
    missing: tuple[str, ...]


class CandidateEncoder:
    """Encodes for one model: its features by name and type; safe to share between threads."""

    def __init__(self, types: Mapping[str, FeatureType]) -> None:
        self._types = types
        self._encoders: dict[str, EntryEncoder] = {
            name: plain_encoder(name, kind) for name, kind in types.items()
        }

    def encode(
        self, context: Fields, candidates: Sequence[Fields], local_fields: Collection[str] | None
    ) -> EncodedCandidates:
        """One example per candidate: the context's features, then the candidate's own.

        A candidate's field replaces the context's of the same name, even by a missing value.

        Args:
            context: fields that all candidates share.
            candidates: each candidate's fields.
            local_fields: what may be given beside the model's features; None allows all.

        Raises:
            DataError: a value does not fit its feature's type, or a field is not allowed; the
                message says where.
        """
        unsent: set[str] = set()
        given: set[str] = set(context)
        shared = {
            name: self._entry("context", name, value, unsent) for name, value in context.items()
        }
        prefix = b"".join(shared.values())
        examples = []
        for index, candidate in enumerate(candidates):
            start = prefix
            if not shared.keys().isdisjoint(candidate):
                kept = [entry for name, entry in shared.items() if name not in candidate]
                start = b"".join(kept)
            own = self._own(index, candidate, unsent)
            examples.append(encode_example(start + own))
            given.update(candidate)
        if local_fields is not None and not unsent.issubset(local_fields):
            self._refuse(unsent.difference(local_fields), context, candidates)
        missing = sorted(self._types.keys() - given)
        return EncodedCandidates(examples, tuple(sorted(unsent)), tuple(missing))

    def _own(self, index: int, candidate: Fields, unsent: set[str]) -> bytes:
        """The inner loop of a ranking: plain values take the short way."""
        encoders = self._encoders
        entries = []
        for name, value in candidate.items():
            encoder = encoders.get(name)
            if encoder is None and name in unsent:
                continue
            entry = None if encoder is None else encoder(value)
            if entry is None:
                entry = self._entry(f"candidates[{index}]", name, value, unsent)
            entries.append(entry)
        return b"".join(entries)

    def _entry(self, where: str, name: str, value: object, unsent: set[str]) -> bytes:
        kind = self._types.get(name)
        if kind is None:
            if not isinstance(name, str):
                raise DataError(f"{where} must have strings as names; got {name!r:.80}")
            unsent.add(name)
            return b""
        return feature_entry(f"{where}.{name}", name, value, kind)

    def _refuse(self, names: set[str], context: Fields, candidates: Sequence[Fields]) -> None:
        name = min(names)
        where = "context"
        if name not in context:
            where = f"candidates[{[name in row for row in candidates].index(True)}]"
        raise DataError(unknown_feature(where, name, self._types) + " (or a local field)")
