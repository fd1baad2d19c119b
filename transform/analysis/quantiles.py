"""Quantiles from a histogram that is exact until it is large, and never depends on the order.

A sketch such as Greenwald and Khanna's (2001) answers differently for every order and split of the
same rows. This histogram does not: it counts distinct float64 values, and once there are more than
`LIMIT` it drops low bits of all of them, one at a time, until they fit. How many bits go depends
only on the set of values, since dropping bits in two steps equals dropping them in one.
"""

from dataclasses import dataclass, field

import numpy as np

from rankbeam.transform.analysis.arrays import Counts, Numbers

# Distinct values of a column that are told apart exactly: 1 MiB of keys and 1 MiB of counts.
LIMIT = 1 << 17
_SIGN_BIT = 63
_MAGNITUDE = np.int64((1 << _SIGN_BIT) - 1)


def _to_keys(values: Numbers) -> Counts:
    """Integers in the order of the floats; adding 0.0 makes -0.0 the same key as 0.0."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ _MAGNITUDE, bits)


def _to_values(keys: Counts) -> Numbers:
    return np.where(keys < 0, keys ^ _MAGNITUDE, keys).view(np.float64)


@dataclass
class ValueHistogram:
    """Counts of one column's observed values.

    A value is known to a relative error of 2^(dropped - 52), and exactly where `dropped` is 0.

    Attributes:
        dropped: Low bits dropped from each float64.
        keys: Distinct values as ascending integers, without the dropped bits.
        counts: Occurrences of each.
    """

    dropped: int = 0
    keys: Counts = field(default_factory=lambda: np.zeros(0, np.int64))
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, values: Numbers) -> None:
        """Adds finite `values` (n,)."""
        self._absorb(_to_keys(values) >> self.dropped, np.ones(len(values), np.int64))

    def merge(self, other: "ValueHistogram") -> None:
        """Adds the counts of `other`."""
        dropped = max(self.dropped, other.dropped)
        self._drop(dropped)
        self._absorb(other.keys >> (dropped - other.dropped), other.counts)

    def boundaries(self, buckets: int) -> Numbers:
        """The `buckets` - 1 quantiles that cut the values into buckets of equal count.

        The i-th is the least value v such that at least i/buckets of all values are <= v (numpy's
        `inverted_cdf`), or the nearest representable value below it where bits were dropped.
        Infinity without values. Ties give equal boundaries.
        """
        cumulated = np.cumsum(self.counts)
        if len(cumulated) == 0:
            return np.full(buckets - 1, np.inf)
        total = int(cumulated[-1])
        ranks = [-(-i * total // buckets) for i in range(1, buckets)]
        return _to_values(self.keys[np.searchsorted(cumulated, ranks)] << self.dropped)

    def _absorb(self, keys: Counts, counts: Counts) -> None:
        self.keys, places = np.unique(np.concatenate([self.keys, keys]), return_inverse=True)
        added = np.concatenate([self.counts, counts])
        self.counts = np.zeros(len(self.keys), np.int64)
        np.add.at(self.counts, places, added)
        while len(self.keys) > LIMIT:
            self._drop(self.dropped + 1)

    def _drop(self, dropped: int) -> None:
        if dropped > self.dropped:
            coarse = self.keys >> (dropped - self.dropped)
            starts = np.flatnonzero(np.diff(coarse, prepend=coarse[:1] - 1))
            self.keys = coarse[starts]
            self.counts = np.add.reduceat(self.counts, starts) if len(starts) else self.counts
            self.dropped = dropped
