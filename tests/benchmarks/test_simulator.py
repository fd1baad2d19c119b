"""The row-by-row side of benchmarks/simulator.py does the same work as the simulator."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.simulator import write_row_by_row
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.tables import LOG_SCHEMA, TRUTH_SCHEMA
from rankbeam.simulator.write import write


def test_row_by_row_side_draws_the_same_marketplace(tmp_path: Path) -> None:
    spec = MarketplaceSpec(impressions=5_000)
    write_row_by_row(spec, tmp_path / "naive")
    log, truth = (
        pq.ParquetFile(tmp_path / "naive" / f"{name}.parquet").read() for name in ("log", "truth")
    )
    assert log.schema == LOG_SCHEMA
    assert truth.schema == TRUTH_SCHEMA
    ours = write(spec, tmp_path / "ours").read_truth()
    for name in ("p_click", "p_conversion_given_click", "p_observed"):
        left, right = truth.column(name).to_numpy(), ours.column(name).to_numpy()
        error = np.sqrt((left.var() + right.var()) / 5_000)
        # Two independent logs of one marketplace: wrong with probability 1e-4 per column.
        assert abs(left.mean() - right.mean()) < 3.89 * error, name
