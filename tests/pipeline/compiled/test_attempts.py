"""Tasks that fail: tried again as their policy says, then told in the kind of their error."""

from pathlib import Path

import pytest

from rankbeam.pipeline.compiled.runner import backoff_s
from rankbeam.pipeline.compiled.spec import load_compiled
from rankbeam.transform.errors import (
    ConfigError,
    DataError,
    EnvironmentFault,
    GateError,
    RankbeamError,
)
from tests.pipeline.compiled.recorded import Recorded
from tests.pipeline.compiled.specs import task, write_spec

# Succeeds at the attempt whose number is the second argument; leaves a file in its output.
_THIRD_TIME = """
import pathlib, sys
count, out = map(pathlib.Path, sys.argv[1:3])
tries = len(count.read_text()) + 1 if count.exists() else 1
count.write_text("x" * tries)
assert not out.exists(), "left by the attempt before"
out.write_text(str(tries))
print("attempt", tries)
sys.exit(0 if tries == int(sys.argv[3]) else "not yet")
"""


def _stubborn(folder: Path, succeeds_at: int, retries: int) -> dict[str, object]:
    policy = {"maxRetryCount": retries, "backoffDuration": "0.010s", "backoffFactor": 2.0}
    arguments = [str(folder / "count"), "{{$.outputs.artifacts['out'].uri}}", str(succeeds_at)]
    return task(_THIRD_TIME, arguments=arguments, outputs=["out"], retryPolicy=policy)


def test_runner_tries_again_from_a_clean_folder(tmp_path: Path) -> None:
    done = Recorded(tmp_path).run({"A": _stubborn(tmp_path, succeeds_at=3, retries=2)})
    assert done.states == [("A", "done")]
    assert done.text("A", "out") == "3"
    assert done.log("A").splitlines()[::2] == ["attempt 1", "attempt 2", "attempt 3"]
    assert [line.strip() for line in done.lines] == [
        "A: attempt 1 of 3 failed: task A must end with exit code 0; got exit code 1: not yet; "
        "again in 0.01 s",
        "A: attempt 2 of 3 failed: task A must end with exit code 0; got exit code 1: not yet; "
        "again in 0.02 s",
    ]


def test_runner_gives_up_after_the_last_attempt(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    tasks = {"A": _stubborn(tmp_path, succeeds_at=4, retries=2), "B": task("pass")}
    with pytest.raises(RankbeamError, match=r"^task A must end with exit code 0; got exit code 1"):
        recorded.run(tasks)
    assert recorded.states == [("A", "failed")]
    assert (tmp_path / "count").read_text() == "xxx"
    assert not (tmp_path / "artifacts" / "run" / "A").exists()


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 30.0), (1, 60.0), (2, 100.0), (3, 100.0)])
def test_backoff_grows_up_to_its_limit(tmp_path: Path, attempt: int, seconds: float) -> None:
    policy = {
        "maxRetryCount": 9,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "100s",
    }
    file = write_spec(tmp_path / "p.yaml", {"A": task("pass", retryPolicy=policy)})
    assert backoff_s(load_compiled(file).tasks["A"].retry_policy, attempt) == seconds


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("import sys; print('error: too few'); sys.exit(4)", GateError, "^too few$"),
        (
            "from rankbeam.transform.errors import DataError; raise DataError('column a')",
            DataError,
            "^column a$",
        ),
        (
            "raise OSError(28, 'No space left on device')",
            EnvironmentFault,
            "^the run's disks must have room; got OSError: .Errno 28. No space left on device",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            EnvironmentFault,
            "^machine must have memory enough; got task A killed.*: nothing was printed$",
        ),
        (
            "import os; os.kill(os.getpid(), 15)",
            RankbeamError,
            "^task A must end with exit code 0; got SIGTERM: nothing was printed$",
        ),
        ("1 / 0", RankbeamError, "got exit code 1: ZeroDivisionError: division by zero$"),
        (
            "open('/dev/null').close()",
            RankbeamError,
            r"^task A must write its parameter n; got .Errno 2. No such file",
        ),
    ],
)
def test_runner_tells_a_failure_in_its_kind(
    tmp_path: Path, script: str, kind: type[RankbeamError], message: str
) -> None:
    failing = task(script, output_parameters={"n": "STRING"})
    with pytest.raises(RankbeamError, match=message) as caught:
        Recorded(tmp_path).run({"A": failing})
    assert type(caught.value) is kind


def test_runner_tells_of_a_program_that_is_not_here(tmp_path: Path) -> None:
    absent = task("pass", container={"command": ["/no/such/program"]})
    message = "^container's command must be a program of this machine; got /no/such/program$"
    with pytest.raises(EnvironmentFault, match=message):
        Recorded(tmp_path).run({"A": absent})


def test_runner_wants_a_command(tmp_path: Path) -> None:
    bare = task("pass", container={"command": []})
    with pytest.raises(ConfigError, match=r"^task A must have a command; got only an image's own$"):
        Recorded(tmp_path).run({"A": bare})
