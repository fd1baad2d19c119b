"""Simulated logs as NumPy arrays, for the tests of this folder."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rankbeam.simulator.simulate import simulate
from rankbeam.simulator.spec import MarketplaceSpec


@dataclasses.dataclass(frozen=True)
class Simulated:
    """A whole log and its truth in memory."""

    spec: MarketplaceSpec
    log: pa.Table
    truth: pa.Table

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """A numeric column of the log or of the truth; nulls become NaN."""
        table = self.log if name in self.log.column_names else self.truth
        return np.asarray(table.column(name).to_numpy(), dtype=np.float64)

    def names(self, name: str) -> npt.NDArray[np.object_]:
        """A string column of the log; nulls become None."""
        return np.asarray(self.log.column(name).to_numpy(), dtype=np.object_)


def run(spec: MarketplaceSpec) -> Simulated:
    """Simulates `spec` in memory."""
    batches = list(simulate(spec))
    return Simulated(
        spec=spec,
        log=pa.concat_tables([batch.log for batch in batches]),
        truth=pa.concat_tables([batch.truth for batch in batches]),
    )


def mean_by(groups: npt.NDArray[np.object_], values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Mean of `values` in each group."""
    return {str(name): float(values[groups == name].mean()) for name in np.unique(groups)}
