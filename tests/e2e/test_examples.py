"""The examples reach, on the real datasets, what their pages say."""

import re
from pathlib import Path

import pytest

from tests.e2e.command import rankbeam
from tests.e2e.outputs import meaning, pushed, records

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def _aucs(name: str, data: Path, output: Path) -> dict[str, float]:
    finished = rankbeam(
        "run", EXAMPLES / name / "rankbeam.yaml", "--data", data, "--output", output
    )
    assert (finished.code, finished.err) == (0, "")
    assert set(pushed(output)) == {"1"}
    line = meaning(records(output)[-1], "Evaluator")
    return {task: float(auc) for task, auc in re.findall(r"(\w+) AUC ([\d.]+)", line)}


def test_census_reaches_the_best_known_models(census_data: Path, tmp_path: Path) -> None:
    """The best peers reach 0.9455 and 0.9942."""
    aucs = _aucs("census", census_data, tmp_path / "out")
    assert aucs["income"] >= 0.945
    assert aucs["never_married"] >= 0.993


def test_hillstrom_reaches_the_best_known_models(hillstrom_data: Path, tmp_path: Path) -> None:
    """The best peers reach 0.646 for visit."""
    aucs = _aucs("hillstrom", hillstrom_data, tmp_path / "out")
    assert aucs["visit"] >= 0.640
    assert aucs["ctcvr"] > 0.6
