"""Quantiles from the value histogram."""

import numpy as np
import numpy.typing as npt
import pytest

from rankbeam.transform.analysis.quantiles import LIMIT, ValueHistogram

Numbers = npt.NDArray[np.float64]


def _histogram(*parts: Numbers) -> ValueHistogram:
    histogram = ValueHistogram()
    for part in parts:
        histogram.add(part)
    return histogram


def _numpy_boundaries(values: Numbers, buckets: int) -> Numbers:
    return np.quantile(values, np.arange(1, buckets) / buckets, method="inverted_cdf")


def test_quantiles_of_a_hand_worked_example() -> None:
    # Eight values, four buckets: the 2nd, 4th and 6th.
    histogram = _histogram(np.array([8.0, 1.0, 3.0, 2.0, 5.0, 4.0, 7.0, 6.0]))
    assert histogram.boundaries(4).tolist() == [2.0, 4.0, 6.0]


def test_quantiles_of_ties_repeat() -> None:
    histogram = _histogram(np.array([0.0, -0.0, 0.0, 5.0]))
    assert histogram.boundaries(4).tolist() == [0.0, 0.0, 0.0]
    assert len(histogram.keys) == 2


def test_quantiles_of_nothing_are_infinite() -> None:
    assert _histogram().boundaries(3).tolist() == [np.inf, np.inf]
    assert _histogram(np.zeros(0)).boundaries(2).tolist() == [np.inf]


@pytest.mark.parametrize("buckets", [2, 3, 10, 64])
@pytest.mark.parametrize("count", [1, 7, 1000, 4096])
def test_quantiles_equal_numpy(count: int, buckets: int) -> None:
    generator = np.random.default_rng(count)
    values = np.round(generator.normal(0, 50, count), generator.integers(0, 4))
    np.testing.assert_array_equal(
        _histogram(values).boundaries(buckets), _numpy_boundaries(values, buckets)
    )


@pytest.fixture(scope="module")
def many() -> Numbers:
    """Three times as many distinct values as are kept, of both signs."""
    return np.random.default_rng(7).normal(0, 100, 3 * LIMIT)


def test_quantiles_stay_within_the_bits_that_are_kept(many: Numbers) -> None:
    histogram = _histogram(*np.array_split(many, 5))
    assert len(histogram.keys) <= LIMIT
    assert histogram.counts.sum() == len(many)
    # A value is known to a relative error of 2^(dropped - 52), and never overestimated.
    relative_error = 2.0 ** (histogram.dropped - 52)
    assert 0 < relative_error < 1e-3
    exact = _numpy_boundaries(many, 100)
    found = histogram.boundaries(100)
    assert np.all(found <= exact)
    assert np.all(exact - found <= relative_error * np.abs(exact))


@pytest.mark.parametrize("parts", [1, 2, 9])
def test_quantiles_do_not_depend_on_order_or_split(many: Numbers, parts: int) -> None:
    whole = _histogram(many)
    shuffled = np.random.default_rng(parts).permutation(many)
    merged = ValueHistogram()
    for part in np.array_split(shuffled, parts):
        merged.merge(_histogram(part))
    assert merged.dropped == whole.dropped > 0
    np.testing.assert_array_equal(merged.keys, whole.keys)
    np.testing.assert_array_equal(merged.counts, whole.counts)


def test_quantiles_merge_into_a_coarser_histogram(many: Numbers) -> None:
    coarse, fine = _histogram(many), _histogram(many[:10])
    fine.merge(coarse)
    coarse.merge(_histogram(many[:10]))
    assert fine.dropped == coarse.dropped
    np.testing.assert_array_equal(fine.keys, coarse.keys)
    np.testing.assert_array_equal(fine.counts, coarse.counts)
