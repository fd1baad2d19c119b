"""The node in whole runs of a small DAG, with real ML Metadata and its cache."""

import shutil
from pathlib import Path

import pytest

from tests.components.baseline.nodes import run_dag


@pytest.mark.slow
def test_baseline_leaves_the_evaluator_of_an_unchanged_run_cached(tmp_path: Path) -> None:
    first = run_dag(tmp_path, version=1)
    assert (first.compared, set(first.states.values())) == ("nothing", {"done"})
    again = run_dag(tmp_path, version=1)
    assert (again.compared, set(again.states.values())) == ("nothing", {"cached"})

    second = run_dag(tmp_path, version=2)
    assert (second.compared, set(second.states.values())) == ("1", {"done"})
    again = run_dag(tmp_path, version=2)
    assert (again.compared, set(again.states.values())) == ("1", {"cached"})


@pytest.mark.slow
def test_baseline_is_looked_for_again_when_the_destination_has_changed(tmp_path: Path) -> None:
    for version in (1, 2):
        run_dag(tmp_path, version)
    shutil.rmtree(tmp_path / "pushed" / "1")
    changed = run_dag(tmp_path, version=2)
    assert changed.compared == "nothing"
    assert (changed.states["Trainer"], changed.states["Baseline"]) == ("cached", "done")
