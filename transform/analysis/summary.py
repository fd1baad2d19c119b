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

# What the graph hands over for one batch: keys (k,) of every vocabulary column, and numbers (B, n).
Batch = tuple[npt.NDArray[np.object_], Numbers]


@dataclass
class Summary:
    """Counts of every vocabulary column, moments of every number, histograms of the bucketed ones.

    Attributes:
        keys: Counts of the prefixed values of all vocabulary columns.
        moments: One for each log-scaled column after the log, then one for each numeric column.
        histograms: One for each bucketed column; these are the last of the numeric ones.
    """

    keys: ValueCounts
    moments: list[Moments]
    histograms: list[ValueHistogram]
    _buffer: list[Numbers] = field(default_factory=list)
    _buffered_bytes: int = 0

    @staticmethod
    def empty(plan: Plan) -> "Summary":
        """The summary of no rows."""
        return Summary(
            ValueCounts(),
            [Moments() for _ in plan.logged + plan.numeric],
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
        for mine, theirs in zip(self.moments, other.moments, strict=True):
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
        bucketed = observed[len(observed) - len(self.histograms) :]
        for histogram, values in zip(self.histograms, bucketed, strict=True):
            histogram.add(values)
