"""A compiled run that is stopped takes the processes of its tasks with it."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.command import await_that, started
from tests.pipeline.compiled.specs import task, write_spec

pytestmark = pytest.mark.slow

# A task with a child of its own, neither of which ends by itself.
_ENDLESS = """
import os, pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
place = pathlib.Path(sys.argv[1])
place.with_suffix(".tmp").write_text(f"{os.getpid()} {child.pid}")
place.with_suffix(".tmp").rename(place)
child.wait()
"""


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_run_leaves_no_task_behind(tmp_path: Path, by: signal.Signals, code: int) -> None:
    ids, output = tmp_path / "ids", tmp_path / "out"
    policy = {"maxRetryCount": 3}
    file = write_spec(
        tmp_path / "p.yaml", {"A": task(_ENDLESS, arguments=[str(ids)], retryPolicy=policy)}
    )
    with started("run", "--compiled", file, "--output", output) as process:
        await_that(ids.exists, process)
        members = [int(word) for word in ids.read_text().split()]
        assert all(_runs(each) for each in members)
        os.kill(process.pid, by)
        assert process.wait(timeout=60) == code
        # A killed parent cannot end a task's own children; the system ends the task.
        ended = members[:1] if by is signal.SIGKILL else members
        await_that(lambda: not any(_runs(each) for each in ended), timeout_s=30)
        for left in members:
            if _runs(left):
                os.kill(left, signal.SIGKILL)
    [record] = [json.loads(path.read_text()) for path in output.glob("runs/*/run.json")]
    if by is not signal.SIGKILL:
        assert (record["state"], [node["state"] for node in record["nodes"]]) == (
            "interrupted",
            ["failed"],
        )
        assert list(output.glob("compiled/*/A")) == []
