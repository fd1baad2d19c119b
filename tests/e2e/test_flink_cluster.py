"""Flink as separate processes: one task manager is killed, and the run ends as any other."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.places import Places
from rankbeam.pipeline.engines.state import read_state
from tests.e2e import compared
from tests.e2e.command import rankbeam
from tests.e2e.compared import SCALED_FLOAT32, SPLITS, SUMMATION, assert_alike
from tests.e2e.conftest import Undisturbed
from tests.e2e.engines import engine, free_port
from tests.e2e.outputs import begun, records, states
from tests.e2e.tiny import NODES, run_words, write_config

pytestmark = pytest.mark.slow


def test_run_survives_the_death_of_a_task_manager(
    market: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    output, state = tmp_path / "out", tmp_path / "state"
    # Half of the slots: those of one task manager are enough when the other is gone.
    config = write_config(tmp_path, {"beam": {"flink": {"parallelism": 2}}})
    options = ("--task-managers", 2, "--slots", 2, "--memory", 768, "--web-port", free_port())
    killed = threading.Event()
    with engine("flink", state, *options):
        found = read_state(Places(state, state).engine("flink"))
        assert found is not None
        victim = next(each.pid for each in found.members if each.name == "task-manager-2")

        def kill() -> None:
            # In the middle of Transform, whose tasks are then on both.
            while not begun(output, "Transform"):
                time.sleep(0.05)
            time.sleep(2.0)
            os.kill(victim, signal.SIGKILL)
            killed.set()

        threading.Thread(target=kill, daemon=True).start()
        words = (*run_words(config, market, output), "--beam-runner", "flink")
        run = rankbeam(*words)
        status = rankbeam("engine", "status", "flink")
    assert (run.code, run.err, killed.is_set()) == (0, "", True)
    assert states(records(output)[0]) == dict.fromkeys(NODES, "done")
    assert status.code == 0
    for split in SPLITS:
        direct = undisturbed.output
        assert_alike(
            compared.statistics(output, split), compared.statistics(direct, split), SUMMATION
        )
        transformed = ("Transform", "transformed_examples", split)
        assert_alike(
            compared.rows(output, *transformed), compared.rows(direct, *transformed), SCALED_FLOAT32
        )
    assert compared.assets(output) == compared.assets(undisturbed.output)
