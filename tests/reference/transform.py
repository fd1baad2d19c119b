"""What the feature specs document, in plain Python: one value at a time."""

import collections
import math
from collections.abc import Iterable, Sequence

import farmhash  # type: ignore[import-untyped]
import numpy as np


def vocabulary(values: Iterable[bytes], size: int | None, threshold: int) -> list[bytes]:
    """Values seen at least `threshold` times, the most frequent first, ties by bytes."""
    counts = collections.Counter(values)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return [value for value in ranked if counts[value] >= threshold][:size]


def bucket(value: bytes, buckets: int) -> int:
    """FarmHash64 modulo `buckets`, from 1; `value` must be UTF-8 unless there is one bucket."""
    if buckets == 1:
        return 1
    return 1 + int(farmhash.fingerprint64(value.decode())) % buckets


def index(value: bytes, words: Sequence[bytes], oov_buckets: int) -> int:
    """Place in the vocabulary behind the missing index and the buckets, or the bucket."""
    if value in words:
        return 1 + oov_buckets + words.index(value)
    return bucket(value, oov_buckets)


def signed_log(value: float) -> float:
    """sign(x) log(1 + |x|)."""
    return math.copysign(math.log1p(abs(value)), value)


def z_scores(observed: Sequence[float], values: Iterable[float]) -> list[float]:
    """Each value minus the observed mean, by the observed population deviation; 0 without one."""
    mean, deviation = float(np.mean(observed)), float(np.std(observed))
    return [(value - mean) / deviation if deviation > 0 else 0.0 for value in values]


def bucket_index(observed: Sequence[float], buckets: int, value: float) -> int:
    """1 + the number of quantile boundaries that `value` reaches."""
    boundaries = [
        np.quantile(observed, i / buckets, method="inverted_cdf") for i in range(1, buckets)
    ]
    return 1 + sum(1 for boundary in boundaries if value >= boundary)
