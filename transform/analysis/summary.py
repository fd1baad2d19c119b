"""Everything that the transform learns from the training split, in one accumulator."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rankbeam.transform.analysis.arrays import Numbers
from rankbeam.transform.analysis.moments import Moments
from rankbeam.transform.analysis.quantiles import ValueHistogram
from rankbeam.transform.analysis.value_counts import ValueCounts
from rankbeam.transform.plan import Plan

# Rows of numbers wait until they fill this much, so that numpy's cost per call is spread.
_BUFFER_BYTES = 4 << 20

# What the graph hands over for one batch: keys (k,) of every vocabulary column, and numbers (B, N)
# of every numeric one.
Batch = tuple[npt.NDArray[np.object_], Numbers]


@dataclass
class Summary:
    """Counts of every vocabulary column, moments of every number, histograms of the bucketed ones.

    Attributes:
        keys: Counts of the prefixed values of all vocabulary columns.
        moments: One for each numeric column.
        log_moments: One for each log-scaled column, after the log. (NumPy takes it: TensorFlow's
            may differ in its last bit with the place of a value in the batch.)
        histograms: One for each bucketed column. In the plan's order these are the last numeric
            columns, and the log-scaled ones stand before them.
    """

    keys: ValueCounts
    moments: list[Moments]
    log_moments: list[Moments]
    histograms: list[ValueHistogram]
    _buffer: list[Numbers] = field(default_factory=list)
    _buffered_bytes: int = 0

    @staticmethod
    def empty(plan: Plan) -> "Summary":
        """The summary of no rows."""
        return Summary(
            ValueCounts(),
            [Moments() for _ in plan.numeric],
            [Moments() for _ in plan.logged],
            [ValueHistogram() for _ in plan.bucketed],
        )

    def add(self, batch: Batch) -> None:
        """Adds one batch; NaN among the numbers is a missing value."""
        keys, numbers = batch
        self.keys.add(keys)
        self._buffer.append(numbers)
        self._buffered_bytes += numbers.nbytes
        if self._buffered_bytes >= _BUFFER_BYTES:
            self._fold_numbers()

    def fold(self) -> None:
        """Adds what is buffered, so that the parts are complete and small."""
        self.keys.fold()
        self._fold_numbers()

    def merge(self, other: "Summary") -> None:
        """Adds `other`, a summary of the same plan."""
        self.fold()
        other.fold()
        self.keys.merge(other.keys)
        others = other.moments + other.log_moments
        for mine, theirs in zip(self.moments + self.log_moments, others, strict=True):
            mine.merge(theirs)
        for histogram, theirs_too in zip(self.histograms, other.histograms, strict=True):
            histogram.merge(theirs_too)

    def _fold_numbers(self) -> None:
        if not self._buffer:
            return
        rows = np.concatenate(self._buffer)
        self._buffer, self._buffered_bytes = [], 0
        observed = [column[~np.isnan(column)] for column in rows.T]
        for moments, values in zip(self.moments, observed, strict=True):
            moments.add(values)
        first_bucketed = len(observed) - len(self.histograms)
        first_logged = first_bucketed - len(self.log_moments)
        logged = observed[first_logged:first_bucketed]
        for moments, values in zip(self.log_moments, logged, strict=True):
            moments.add(signed_log(values))
        for histogram, values in zip(self.histograms, observed[first_bucketed:], strict=True):
            histogram.add(values)


def signed_log(values: Numbers) -> Numbers:
    """sign(x) log(1 + |x|)."""
    return np.copysign(np.log1p(np.abs(values)), values)
