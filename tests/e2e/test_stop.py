"""A run that is stopped in any node and run again ends as if nothing had happened."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM
from typing import NamedTuple

import pytest

from tests.e2e import outputs
from tests.e2e.command import await_that, rankbeam, session_of
from tests.e2e.conftest import Undisturbed
from tests.e2e.forked import Forked, Forks
from tests.e2e.tiny import NODES, run_words

pytestmark = pytest.mark.slow


class Stop(NamedTuple):
    """Where a run is stopped, and how."""

    node: str
    by: signal.Signals


# Interruptions come where they are hardest: with Beam's threads at work, in TensorFlow's C++, and
# with a model server as child.
STOPS = (
    *(Stop(node, SIGKILL) for node in NODES[: NODES.index("Transform")]),
    Stop("Transform", SIGTERM),
    Stop("Transform", SIGKILL),
    Stop("Trainer", SIGINT),
    Stop("Trainer", SIGKILL),
    Stop("Baseline", SIGKILL),
    Stop("InfraValidator", SIGINT),
    Stop("InfraValidator", SIGTERM),
    Stop("InfraValidator", SIGKILL),
    Stop("ParityCheck", SIGINT),
    Stop("ParityCheck", SIGKILL),
    Stop("Evaluator", SIGKILL),
    Stop("Pusher", SIGKILL),
)
# Nodes that take long enough to be stopped for certain before they end.
LONG = {"StatisticsGen", "Transform", "Trainer", "InfraValidator", "ParityCheck", "Evaluator"}
INTERRUPTED_WITHIN_S = 10.0
# How deep a node is killed: by its time in the undisturbed run, which may have had a third of a
# core where those that are stopped have a whole one. A node that is killed too late is over, and in
# no later run.
DEPTH, DEEPEST_S = 0.25, 1.0


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """What the runs that are stopped are forked off."""
    process = Forks()
    yield process
    process.close()


def test_run_stopped_in_each_node_ends_as_an_undisturbed_one(
    undisturbed: Undisturbed, market: Path, forks: Forks, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    words = run_words(undisturbed.config, market, output)
    [first, *_] = outputs.records(undisturbed.output)
    seconds = {node["node"]: node["seconds"] for node in first["nodes"]}
    for stop in STOPS:
        before = outputs.begun(output, stop.node)
        with forks.started(*words) as process:
            _await_begin(process, output, stop, before)
            # Well inside, where there are half-written files.
            time.sleep(min(DEPTH * seconds[stop.node], DEEPEST_S) if stop.by == SIGKILL else 0.0)
            _send(process, stop.by)
            _check_end(process, output, stop)
        inside = outputs.executions(output)[-1] in {(stop.node, "running"), (stop.node, "failed")}
        assert inside or stop.node not in LONG, stop
        versions = {k: v for k, v in outputs.pushed(output).items() if not k.startswith(".")}
        assert versions in ({}, undisturbed.pushed), stop
    listed = rankbeam("runs", "--output", output).out
    assert " killed " in listed
    assert " interrupted " in listed

    last = rankbeam(*words)
    assert (last.code, last.err) == (0, "")
    assert outputs.pushed(output) == undisturbed.pushed
    assert outputs.leftovers(output) == []
    assert outputs.records(output)[-1]["version"] == 1


def _await_begin(process: Forked, output: Path, stop: Stop, before: set[int]) -> None:
    def has_begun() -> bool:
        if not outputs.begun(output, stop.node) - before:
            return False
        needs_server = stop.node in ("InfraValidator", "ParityCheck") and stop.by != SIGKILL
        return not needs_server or len(session_of(process.pid)) > 1

    seen = await_that(has_begun, process)
    assert seen, (stop, process.returncode, outputs.states(outputs.records(output)[-1]))


def _send(process: Forked, number: signal.Signals) -> None:
    """As the terminal's Ctrl-C goes to every process, and other signals to the one."""
    if number == SIGINT:
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid, number)


def _check_end(process: Forked, output: Path, stop: Stop) -> None:
    sent = time.monotonic()
    process.wait(60)
    took = time.monotonic() - sent
    await_that(lambda: not session_of(process.pid), timeout_s=INTERRUPTED_WITHIN_S)
    record = outputs.records(output)[-1]
    if stop.by == SIGKILL:
        # The end came before the signal, or between the record's last word and the process's end.
        if process.returncode == 0 or record["state"] == "succeeded":
            assert stop.node not in LONG
            return
        end = (process.returncode, process.err(), record["state"])
        assert end == (-SIGKILL, "", "running"), stop
        return
    assert took <= INTERRUPTED_WITHIN_S, stop
    reason = f"interrupted by {stop.by.name}; run again to resume"
    log = output / "runs" / record["run_id"] / "log.txt"
    assert process.err() == f"error: {reason}\nfull log: {log}\n", stop
    assert process.returncode == 128 + stop.by
    assert (record["state"], record["error"]) == ("interrupted", reason)
    assert list(outputs.states(record).items())[-1] == (stop.node, "failed")
    assert outputs.files_of(output, stop.node) == [], stop
