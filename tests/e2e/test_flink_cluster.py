"""Flink as separate processes: one is killed at its work, and the run ends as any other."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from rankbeam.pipeline.engines.places import Places
from rankbeam.pipeline.engines.state import read_state
from tests.e2e import compared, flink_rest
from tests.e2e.command import Finished, rankbeam
from tests.e2e.compared import (
    RANKING,
    SCALED_FLOAT32,
    SPLITS,
    SUMMATION,
    assert_alike,
    assert_metrics_alike,
)
from tests.e2e.conftest import Undisturbed
from tests.e2e.engines import engine, free_port
from tests.e2e.flink_rest import Subtask
from tests.e2e.outputs import records, states
from tests.e2e.tiny import NODES, run_words, write_config

pytestmark = pytest.mark.slow

VICTIM, SURVIVOR = "task-manager-2", "task-manager-1"
# Half of the slots: those of one task manager are enough when the other is gone.
_HALF = {"parallelism": 2}


@dataclass(frozen=True)
class Killed:
    """A run on two task managers, one of which was killed.

    Attributes:
        output: The run's folder.
        run: How it ended.
        status: What `engine status` said then.
        seen: The task that ran on the victim just before the kill.
        job: State of the job that it belonged to, at the end.
        tasks: The job's tasks, at the end.
        failed_on: The task managers that the job's failures happened on.
    """

    output: Path
    run: Finished
    status: Finished
    seen: Subtask | None
    job: str
    tasks: list[Subtask]
    failed_on: list[str]


@pytest.fixture(scope="module")
def killed(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """The tiny config on the span of the undisturbed run, with the kill during Transform."""
    folder = tmp_path_factory.mktemp("cluster")
    output, state, web_port = folder / "out", folder / "state", free_port()
    config = write_config(folder, {"beam": {"flink": _HALF}})
    options = ("--task-managers", 2, "--slots", 2, "--memory", 768, "--web-port", web_port)
    over = threading.Event()
    with engine("flink", state, *options, *flink_rest.NO_CACHE), ThreadPoolExecutor(1) as pool:
        victim = _process(state, VICTIM)
        kill = pool.submit(_kill_at_work, output, web_port, victim, over)
        try:
            run = rankbeam(*run_words(config, market, output), "--beam-runner", "flink")
        finally:
            over.set()
        job, seen = kill.result()
        status = rankbeam("engine", "status", "flink")
        return Killed(
            output,
            run,
            status,
            seen,
            flink_rest.jobs(web_port).get(job, "unknown"),
            list(flink_rest.subtasks(web_port, job, "FINISHED")) if seen else [],
            flink_rest.failures(web_port, job) if seen else [],
        )


def _process(state: Path, name: str) -> int:
    found = read_state(Places(state, state).engine("flink"))
    assert found is not None
    return next(each.pid for each in found.members if each.name == name)


def _kill_at_work(
    output: Path, web_port: int, victim: int, over: threading.Event
) -> tuple[str, Subtask | None]:
    """Kills a task manager that runs a task of Transform; which one, of which job.

    Not before the transform graph is written, so that the next attempt finds all that a first one
    leaves: vocabularies, models, graph and perhaps a transformed file.
    """
    graphs = output / "artifacts" / "Transform" / "transform_graph"
    while not over.wait(0.02):
        if not any(graphs.glob("*/transform_fn/saved_model.pb")):
            continue
        running = [job for job, state in flink_rest.jobs(web_port).items() if state == "RUNNING"]
        for job in running:
            for task in flink_rest.subtasks(web_port, job, "RUNNING"):
                if (task.task_manager, task.state) == (VICTIM, "RUNNING"):
                    os.kill(victim, signal.SIGKILL)
                    return job, task
    return "", None


def test_the_victim_was_at_work_and_its_job_had_to_restart(killed: Killed) -> None:
    assert killed.seen is not None
    assert (killed.seen.state, killed.seen.attempt) == ("RUNNING", 0)
    # Flink blames the one that is gone, or the one that misses what it should have sent.
    assert set(killed.failed_on) & {VICTIM, SURVIVOR}
    assert killed.job == "FINISHED"
    again = [task for task in killed.tasks if task.attempt > 0]
    assert {(task.state, task.task_manager) for task in again} == {("FINISHED", SURVIVOR)}
    # What the first attempt had put in its place, too.
    assert any("WriteGraph/Model" in task.name for task in again)


def test_the_run_ends_well_on_the_task_manager_that_is_left(killed: Killed) -> None:
    assert (killed.run.code, killed.run.err) == (0, "")
    assert states(records(killed.output)[0]) == dict.fromkeys(NODES, "done")
    assert killed.status.code == 0


def test_statistics_and_vocabularies_are_the_same(killed: Killed, undisturbed: Undisturbed) -> None:
    for split in SPLITS:
        ours = compared.statistics(killed.output, split)
        assert_alike(ours, compared.statistics(undisturbed.output, split), SUMMATION)
    direct = compared.assets(undisturbed.output)
    assert compared.assets(killed.output) == direct
    assert any(direct.values())


def test_each_row_is_transformed_once(killed: Killed, undisturbed: Undisturbed) -> None:
    for split in SPLITS:
        ours, direct = (
            compared.rows(output, "Transform", "transformed_examples", split)
            for output in (killed.output, undisturbed.output)
        )
        assert len(direct) > 0
        assert_alike(ours, direct, SCALED_FLOAT32)


def test_an_attempt_that_was_killed_leaves_nothing(
    killed: Killed, undisturbed: Undisturbed
) -> None:
    for key in ("transform_graph", "transformed_examples"):
        ours, direct = (
            _names(compared.first_artifact(output, "Transform", key))
            for output in (killed.output, undisturbed.output)
        )
        assert ours == direct


def test_metrics_are_those_of_the_undisturbed_runs_model(
    killed: Killed, undisturbed: Undisturbed
) -> None:
    ours, direct = (
        compared.metrics(compared.first_artifact(output, "Evaluator", "evaluation"))
        for output in (killed.output, undisturbed.output)
    )
    assert len(direct) > 20
    # Two models, of rows whose floats may differ by their last bits.
    assert_metrics_alike(ours, direct, sums=RANKING)


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
