"""Shuffling rows that come in parts: each once, far enough, by seed."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from rankbeam.trainer.shuffling import Arrays, shuffled_batches

Order = npt.NDArray[np.int64]


def _parts(rows: int, part: int) -> Iterator[Arrays]:
    for start in range(0, rows, part):
        numbers = np.arange(start, min(start + part, rows))
        yield {"number": numbers, "pair": np.stack([numbers, -numbers], axis=1)}


def _order(rows: int, part: int, size: int, window: int, seed: int = 3) -> Order:
    batches = list(shuffled_batches(_parts(rows, part), size, window, seed))
    assert all(len(batch["number"]) == size for batch in batches[:-1])
    assert 0 < len(batches[-1]["number"]) <= size
    for batch in batches:
        np.testing.assert_array_equal(batch["pair"][:, 0], batch["number"])
        np.testing.assert_array_equal(batch["pair"][:, 1], -batch["number"])
    return np.concatenate([batch["number"] for batch in batches])


@pytest.mark.parametrize(
    ("rows", "part", "size", "window"),
    [(1, 4, 4, 8), (50, 7, 16, 20), (1000, 64, 32, 128), (1000, 64, 500, 128), (999, 1000, 10, 50)],
)
def test_shuffled_batches_hold_every_row_once(rows: int, part: int, size: int, window: int) -> None:
    np.testing.assert_array_equal(np.sort(_order(rows, part, size, window)), np.arange(rows))


def test_shuffled_batches_without_rows_are_none() -> None:
    assert list(shuffled_batches(iter(()), 4, 8, 1)) == []
    assert list(shuffled_batches(_parts(0, 4), 4, 8, 1)) == []


def test_shuffled_batches_follow_the_seed() -> None:
    orders = [_order(500, 50, 20, 100, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_shuffled_batches_of_one_window_are_a_permutation_of_all_rows() -> None:
    # NumPy's own permutation with the same generator.
    expected = np.random.default_rng(5).permutation(90)
    np.testing.assert_array_equal(_order(90, 40, 30, 100, seed=5), expected)


def test_shuffled_batches_move_rows_about_a_window_far_and_mix_the_first_ones_fairly() -> None:
    order = _order(20_000, 100, 50, 1_000)
    moved = np.abs(order - np.arange(len(order)))
    assert 200 < moved.mean() < 1_500
    # Of the first window, every place is as likely to be near the start.
    firsts = np.concatenate([_order(2_000, 100, 50, 1_000, seed)[:100] for seed in range(50)])
    assert abs(firsts.mean() - 499.5) < 4 * 1000 / np.sqrt(12 * len(firsts))
