"""The DAG, compiled for Kubeflow and executed task by task through TFX's entry point there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import rankbeam
from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import pushed, records, states
from tests.e2e.scores import scores
from tests.e2e.tiny import NODES

pytestmark = pytest.mark.slow


def test_compiled_run_pushes_the_model_that_a_local_run_pushes(
    undisturbed: Undisturbed, market: Path, tmp_path: Path
) -> None:
    package, output = tmp_path / "pipeline.yaml", tmp_path / "out"
    compiled = rankbeam("compile", undisturbed.config, "-o", package)
    assert (compiled.code, compiled.err) == (0, "")
    words = ("--parameter", f"data_path={market}", "--parameter", "span=1", "--output", output)
    done = rankbeam("run", "--compiled", package, *words)
    assert (done.code, done.err) == (0, "")
    [record] = records(output)
    assert states(record) == dict.fromkeys(states(record), "done")
    assert set(states(record)) == set(NODES)
    found = _meanings(record)
    for node, meaning in _meanings(records(undisturbed.output)[0]).items():
        # Latencies are not the same twice. An Evaluator in a process of its own finds other last
        # digits than one behind a Trainer, for the same model and rows.
        if node not in {"InfraValidator", "Evaluator"}:
            assert found[node] == meaning
    local_evaluation = _meanings(records(undisturbed.output)[0])["Evaluator"]
    assert _numbers(found["Evaluator"]) == pytest.approx(_numbers(local_evaluation), abs=2e-3)
    assert (record["version"], record["destination"]) == (1, f"{output}/pushed")
    assert pushed(output) == undisturbed.pushed
    folders = [folder / "pushed" / "1" for folder in (undisturbed.output, output)]
    ours, theirs = scores(market, *folders)
    assert ours == theirs
    assert {len(scores) for scores in ours.values()} == {3_000}


def _meanings(record: Mapping[str, Any]) -> dict[str, str]:
    return {node["node"]: node["meaning"] for node in record["nodes"]}


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d\.\d+", text)]
