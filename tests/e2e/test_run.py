"""A run that nothing goes wrong with, and the same command again."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.command import rankbeam
from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import live_artifacts, meaning, records, states
from tests.e2e.tiny import NODES

pytestmark = pytest.mark.slow

# The destination is looked at whatever is cached.
_NEVER_CACHED = {"Pusher"}


def _run(undisturbed: Undisturbed, number: int) -> Mapping[str, Any]:
    return records(undisturbed.output)[number]


def test_run_takes_a_log_to_a_pushed_model(undisturbed: Undisturbed) -> None:
    assert (undisturbed.first.code, undisturbed.first.err) == (0, "")
    record = _run(undisturbed, 0)
    assert states(record) == dict.fromkeys(NODES, "done")
    assert (record["state"], record["version"], record["error"]) == ("succeeded", 1, None)
    assert meaning(record, "ExampleGen") == "3,000 rows (600 eval, 2,400 train)"
    assert meaning(record, "Baseline") == "no blessed model to compare with"
    assert meaning(record, "Evaluator").endswith("; BLESSED")
    assert meaning(record, "InfraValidator").endswith("; BLESSED")
    assert re.fullmatch(
        r"70 examples of 14 kinds, 6 paths equal within \d\.\de-\d\d; CERTIFIED",
        meaning(record, "ParityCheck"),
    )
    assert meaning(record, "Pusher") == "version 1, new"
    assert list(undisturbed.pushed) == ["1"]


def test_run_ends_with_where_things_are(undisturbed: Undisturbed) -> None:
    folder = undisturbed.output / "runs" / _run(undisturbed, 0)["run_id"]
    told = undisturbed.first.out
    assert f"\npushed     {undisturbed.output}/pushed/1 as model tiny\n" in told
    assert f"\nevaluation {folder}/evaluation.html\n" in told
    assert f"\nlog        {folder}/log.txt\n" in told
    assert (folder / "evaluation.html").is_file()
    assert (folder / "log.txt").is_file()


def test_run_again_takes_every_node_from_the_cache(undisturbed: Undisturbed) -> None:
    assert (undisturbed.second.code, undisturbed.second.err) == (0, "")
    record = _run(undisturbed, 1)
    assert states(record) == {node: "done" if node in _NEVER_CACHED else "cached" for node in NODES}
    assert (record["state"], record["version"]) == ("succeeded", 1)
    assert meaning(record, "Pusher") == "version 1, there already"
    assert list(undisturbed.pushed) == ["1"]


def test_run_writes_down_what_it_made(undisturbed: Undisturbed) -> None:
    assert {state for _, state in undisturbed.executions} <= {"complete", "cached"}
    artifacts = live_artifacts(undisturbed.output)
    assert len(artifacts) >= len(NODES)
    assert all(artifact.exists() for artifact in artifacts)


def test_run_fills_no_temporary_folder(undisturbed: Undisturbed) -> None:
    # TFX would leave a copy of itself for each Beam node, 50 MB. Newer versions of Beam and
    # TensorFlow leave empty folders and some bytecode.
    left = [file for file in undisturbed.temporary.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in left) < 1_000_000


def test_runs_lists_both(undisturbed: Undisturbed) -> None:
    listed = rankbeam("runs", "--output", undisturbed.output)
    assert (listed.code, listed.err) == (0, "")
    first, second = listed.out.splitlines()[:2]
    for number, line in enumerate((first, second)):
        record = _run(undisturbed, number)
        run_id, name, state, seconds, unit, *rest = line.split()
        assert (run_id, name, state, unit) == (record["run_id"], "tiny", "succeeded", "s")
        assert float(seconds) == pytest.approx(record["seconds"], abs=0.06)
        folder = undisturbed.output / "runs" / run_id
        assert rest == ["version", "1", str(folder)]
