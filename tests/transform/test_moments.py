"""Sums without rounding."""

import statistics
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from rankbeam.transform.analysis.moments import Moments, exact_sum, exact_sum_of_squares

UNIT = Fraction(1, 2**1126)
Numbers = npt.NDArray[np.float64]


def _awkward(seed: int, count: int = 2000) -> Numbers:
    """Values of both signs over 80 orders of magnitude, with zeros and float32's least."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=count) * 10.0 ** generator.integers(-40, 40, count)
    values[:3] = [0.0, -0.0, np.finfo(np.float32).smallest_subnormal]
    return values


def test_exact_sum_equals_fractions() -> None:
    values = _awkward(seed=3)
    assert exact_sum(values) * UNIT == sum(map(Fraction, values.tolist()))


def test_exact_sum_reaches_the_ends_of_float64() -> None:
    info = np.finfo(np.float64)
    values = np.array([info.max, info.smallest_subnormal, -info.max, info.tiny])
    assert exact_sum(values) * UNIT == sum(map(Fraction, values.tolist()))


def test_exact_sum_of_squares_equals_fractions() -> None:
    values = _awkward(seed=4)
    expected = sum(Fraction(value) ** 2 for value in values.tolist())
    assert exact_sum_of_squares(values) * UNIT == expected


def test_moments_of_a_hand_worked_example() -> None:
    moments = Moments()
    moments.add(np.array([1.0, 3.0, 5.0, 7.0]))
    # Mean 4, squared deviations 9 1 1 9, variance 5.
    assert moments.mean_and_deviation() == (4.0, 5**0.5)


def test_moments_of_nothing_and_of_a_constant() -> None:
    moments = Moments()
    moments.add(np.zeros(0))
    assert moments.mean_and_deviation() == (0.0, 0.0)
    moments.add(np.full(7, 0.1))
    assert moments.mean_and_deviation() == (0.1, 0.0)


def test_moments_keep_the_spread_of_large_numbers() -> None:
    # In float64 the mean of squares would be 2.9e18 with a rounding error above the variance.
    moments = Moments()
    moments.add(1.7e9 + np.array([0.0, 1.0] * 50))
    assert moments.mean_and_deviation() == (1.7e9 + 0.5, 0.5)


def test_moments_equal_the_standard_library() -> None:
    values = np.random.default_rng(5).lognormal(3, 2, 500)
    moments = Moments()
    moments.add(values)
    mean, deviation = moments.mean_and_deviation()
    assert mean == float(statistics.mean(map(Fraction, values.tolist())))
    assert deviation == pytest.approx(statistics.pstdev(values.tolist()), rel=1e-15)


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
def test_moments_do_not_depend_on_order_or_split(parts: int) -> None:
    values = _awkward(seed=6)
    whole = Moments()
    whole.add(values)
    shuffled = np.random.default_rng(parts).permutation(values)
    merged = Moments()
    for part in np.array_split(shuffled, parts):
        one = Moments()
        one.add(part)
        merged.merge(one)
    assert merged == whole
