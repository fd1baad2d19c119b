"""Mean and standard deviation from exact sums.

A float64 is an integer multiple of 2^-1074, and so is every sum of them. The sums of x and x² are
kept as Python integers in such units, hence without rounding: the result is the same whatever the
order of the rows, the size of the batches and the number of workers. Rounding happens once, in the
final division. (Summing floats would differ in the last bits with every split, and E[x²] - E[x]²
would lose all of them on columns such as timestamps.)
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rankbeam.transform.analysis.arrays import Numbers

_MANTISSA_BITS = 53
_LOW_BITS = 27
# frexp's exponents of float64 lie in [-1073, 1024].
_LEAST_EXPONENT = -1073
# An integer u stands for u * 2^(_LEAST_EXPONENT - _MANTISSA_BITS).
_UNIT = Fraction(1, 1 << (_MANTISSA_BITS - _LEAST_EXPONENT))
# Veltkamp's constant: splits a float64 into two halves of at most 26 bits each.
_SPLITTER = float((1 << 27) + 1)


def exact_sum(values: Numbers) -> int:
    """Sum of finite `values` (n,) in units of 2^-1126, exactly; n below 2^26."""
    mantissas, exponents = np.frexp(values)
    integers = np.ldexp(mantissas, _MANTISSA_BITS).astype(np.int64)
    # bincount adds in float64, which is exact below 2^53: 2^26 addends of at most 27 bits each.
    bins = exponents - _LEAST_EXPONENT
    high = np.bincount(bins, weights=integers >> _LOW_BITS)
    low = np.bincount(bins, weights=integers & ((1 << _LOW_BITS) - 1))
    total = 0
    for shift in np.flatnonzero((high != 0) | (low != 0)).tolist():
        total += ((int(high[shift]) << _LOW_BITS) + int(low[shift])) << shift
    return total


def exact_sum_of_squares(values: Numbers) -> int:
    """Sum of the squares of `values` (n,) in units of 2^-1126, exactly.

    Exact where no square over- or underflows, that is for 0 and 1e-140 < |x| < 1e140: each square
    is the sum of its rounded value and of the rounding error, which Dekker's product gives (1971).
    """
    rounded = np.square(values)
    scaled = _SPLITTER * values
    head = scaled - (scaled - values)
    tail = values - head
    error: Numbers = ((np.square(head) - rounded) + 2.0 * head * tail) + np.square(tail)
    return exact_sum(rounded) + exact_sum(error)


@dataclass
class Moments:
    """Count, sum and sum of squares of one column's observed values."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def add(self, values: Numbers) -> None:
        """Adds finite `values` (n,)."""
        self.count += len(values)
        self.total += exact_sum(values)
        self.squares += exact_sum_of_squares(values)

    def merge(self, other: "Moments") -> None:
        """Adds the sums of `other`."""
        self.count += other.count
        self.total += other.total
        self.squares += other.squares

    def mean_and_deviation(self) -> tuple[float, float]:
        """Mean and population standard deviation; (0, 0) without values."""
        if self.count == 0:
            return 0.0, 0.0
        mean = Fraction(self.total) * _UNIT / self.count
        variance = Fraction(self.squares) * _UNIT / self.count - mean * mean
        return float(mean), math.sqrt(variance)
