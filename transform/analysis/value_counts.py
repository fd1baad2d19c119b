"""Exact counts of byte strings, kept in Arrow memory."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.transform.analysis.arrays import Counts

# Buffered values before the first fold; later folds wait for as many as there are distinct ones,
# so that each value is folded a constant number of times on average.
_MIN_BUFFER = 1 << 18


def _no_keys() -> pa.LargeBinaryArray:
    return pa.array([], pa.large_binary())


@dataclass
class ValueCounts:
    """How often each value was seen; exact, whatever the order or the split of the input.

    Memory grows with the number of distinct values only: 16 bytes and their text for each, and, for
    a moment at each fold, about 230 bytes (measured: 1.0 GB for 4.3 million values of 14 bytes).

    Attributes:
        keys: Distinct values, in no particular order.
        counts: Occurrences of each.
    """

    keys: pa.LargeBinaryArray = field(default_factory=_no_keys)
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    _buffer: list[pa.LargeBinaryArray] = field(default_factory=list)
    _buffered: int = 0

    def add(self, values: "np.ndarray[tuple[int], np.dtype[np.object_]]") -> None:
        """Counts each of `values` (n,), byte strings, once more."""
        self._buffer.append(pa.array(values, pa.large_binary()))
        self._buffered += len(values)
        if self._buffered >= max(_MIN_BUFFER, len(self.keys)):
            self.fold()

    def fold(self) -> None:
        """Counts what is buffered, so that `keys` and `counts` are complete."""
        if self._buffered:
            once = [np.ones(len(part), np.int64) for part in self._buffer]
            self._count([self.keys, *self._buffer], [self.counts, *once])
        self._buffer, self._buffered = [], 0

    def merge(self, other: "ValueCounts") -> None:
        """Adds the counts of `other`."""
        self.fold()
        other.fold()
        if len(other.keys):
            self._count([self.keys, other.keys], [self.counts, other.counts])

    def sorted_by_value(self) -> tuple[pa.LargeBinaryArray, Counts]:
        """Distinct values in ascending order of their bytes, and their counts."""
        self.fold()
        order = pc.array_sort_indices(self.keys)
        return self.keys.take(order), self.counts[order.to_numpy()]

    def _count(self, parts: list[pa.LargeBinaryArray], weights: list[Counts]) -> None:
        # Chunked, which spares a copy of all text. Every chunk has the dictionary of all of them.
        chunks = pa.chunked_array(parts).dictionary_encode().chunks
        places = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
        self.keys = chunks[0].dictionary
        self.counts = np.zeros(len(self.keys), np.int64)
        np.add.at(self.counts, places, np.concatenate(weights))
