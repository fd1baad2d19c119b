"""Exact counting of byte strings."""

import collections
import pickle

import numpy as np
import numpy.typing as npt
import pytest

from rankbeam.transform.analysis.value_counts import ValueCounts

Words = npt.NDArray[np.object_]


def _words(values: list[bytes]) -> Words:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _as_dict(counts: ValueCounts) -> dict[bytes, int]:
    keys, occurrences = counts.sorted_by_value()
    return dict(zip(keys.to_pylist(), occurrences.tolist(), strict=True))


def _random_words(count: int, seed: int) -> list[bytes]:
    draws = np.random.default_rng(seed).zipf(1.3, count)
    return [b"%x" % draw for draw in draws.tolist()]


def test_value_counts_of_a_hand_worked_example() -> None:
    counts = ValueCounts()
    counts.add(_words([b"b", b"a", b"b"]))
    counts.add(_words([b"", b"\xff", b"b\x00"]))
    expected = {b"": 1, b"a": 1, b"b": 2, b"b\x00": 1, b"\xff": 1}
    assert list(_as_dict(counts).items()) == list(expected.items())


def test_value_counts_of_nothing() -> None:
    counts = ValueCounts()
    counts.add(_words([]))
    assert _as_dict(counts) == {}


@pytest.mark.parametrize("batch", [1000, 300_000])
def test_value_counts_equal_a_counter(batch: int) -> None:
    # More values than are buffered at once, so that several folds happen.
    words = _random_words(600_000, seed=1)
    counts = ValueCounts()
    for start in range(0, len(words), batch):
        counts.add(_words(words[start : start + batch]))
    assert _as_dict(counts) == collections.Counter(words)


def test_value_counts_merge_equals_one_pass_and_survives_pickling() -> None:
    words = _random_words(20_000, seed=2)
    parts = [ValueCounts() for _ in range(3)]
    for number, part in enumerate(parts):
        part.add(_words(words[number::3]))
        part.fold()
    merged: ValueCounts = pickle.loads(pickle.dumps(parts[2]))
    merged.merge(parts[0])
    merged.merge(parts[1])
    assert _as_dict(merged) == collections.Counter(words)
