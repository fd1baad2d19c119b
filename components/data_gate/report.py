"""The verdict of a gate that let the data pass, as the artifact holds it."""

import json
import os
from collections.abc import Mapping

from pydantic import Field
from tfx.dsl.io import fileio

from rankbeam.transform.specs.base import StrictModel

REPORT_FILE = "report.json"


class SplitReport(StrictModel):
    """What one split holds."""

    rows: int
    positives: Mapping[str, int] = Field(description="Label column to its rows that are 1.")
    funnel_violations: Mapping[str, int] = Field(
        description="`deeper given upper` to its rows where deeper is 1 and upper is 0."
    )


class DataGateReport(StrictModel):
    """What passed."""

    splits: Mapping[str, SplitReport]
    allowed: tuple[str, ...] = Field(
        default=(), description="Findings that the config lets pass, one text each."
    )

    @property
    def rows(self) -> int:
        """Rows over all splits."""
        return sum(split.rows for split in self.splits.values())


def write_report(uri: str, report: DataGateReport) -> None:
    """Write `report` into the folder `uri`, whole or not at all."""
    fileio.makedirs(uri)
    target = os.path.join(uri, REPORT_FILE)
    partial = f"{target}.partial"
    with fileio.open(partial, "w") as file:
        file.write(report.model_dump_json(indent=2) + "\n")
    fileio.rename(partial, target, overwrite=True)


def read_report(uri: str) -> DataGateReport:
    """Read the report in the folder `uri`.

    Raises:
        FileNotFoundError: There is none; the gate did not pass.
        ValueError: It is no report.
    """
    path = os.path.join(uri, REPORT_FILE)
    if not fileio.exists(path):
        raise FileNotFoundError(f"a data gate's verdict must hold {REPORT_FILE}; got {uri}")
    with fileio.open(path) as file:
        return DataGateReport.model_validate(json.load(file))
