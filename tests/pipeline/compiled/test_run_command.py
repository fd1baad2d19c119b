"""`rankbeam run --compiled` as a user runs it."""

import json
from pathlib import Path

import pytest

from tests.e2e.command import rankbeam
from tests.pipeline.compiled.specs import task, write_spec

_GATE = "import sys; print('error: labels must be 0 or 1; got 2'); sys.exit(4)"
_INPUTS = {"push_destination": {"parameterType": "STRING"}}


@pytest.mark.slow
def test_run_compiled_tells_a_gates_words_and_where_its_log_is(tmp_path: Path) -> None:
    output = tmp_path / "out"
    show = task(
        "import sys; print(sys.argv[1])",
        arguments=["{{$.inputs.parameters['to']}}"],
        parameters={"to": {"componentInputParameter": "push_destination"}},
    )
    tasks = {"Before": show, "Gate": task(_GATE, dependentTasks=["Before"]), "Zero": task("pass")}
    tasks["Zero"]["task"]["dependentTasks"] = ["Gate"]
    file = write_spec(tmp_path / "p.yaml", tasks, _INPUTS)
    done = rankbeam("run", "--compiled", file, "--output", output)
    [path] = output.glob("runs/*/run.json")
    record = json.loads(path.read_text())
    assert (done.code, done.err) == (
        4,
        f"error: labels must be 0 or 1; got 2\nfull log: {path.parent / 'Gate.log'}\n",
    )
    assert (path.parent / "Before.log").read_text() == f"{output}/pushed\n"
    assert [(node["node"], node["state"]) for node in record["nodes"]] == [
        ("Before", "done"),
        ("Gate", "failed"),
    ]
    assert [record[name] for name in ("pipeline", "state", "version", "destination")] == [
        "tiny",
        "failed",
        None,
        f"{output}/pushed",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("c.yaml", "--compiled", "p.yaml"), "CONFIG must be left out with --compiled"),
        (("--compiled", "p.yaml", "--data", "d"), "--data must be left out with --compiled"),
        (("--compiled", "p.yaml", "--span", "3"), "--span must be left out with --compiled"),
        (("c.yaml", "--parameter", "a=1"), "--parameter must come with --compiled; got a=1 alone"),
        (("--compiled", "p.yaml", "--parameter", "a"), "--parameter must be NAME=VALUE; got a"),
        (("--compiled", "p.yaml"), "compiled pipeline must be readable; got p.yaml"),
    ],
)
def test_run_compiled_checks_its_words(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = rankbeam("run", *words, cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith(f"error: {message}")
    assert list(tmp_path.iterdir()) == []


def test_run_compiled_cannot_use_dataflow(tmp_path: Path) -> None:
    """Its artifacts are folders of this machine."""
    words = ["--project=p", "--runner=DataflowRunner"]
    tasks = {"First": task("pass"), "Beam": task("pass", arguments=words)}
    file = write_spec(tmp_path / "p.yaml", tasks)
    done = rankbeam("run", "--compiled", file, "--output", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert f"on gs://; got the folder {tmp_path}/out/compiled (it is for compiled" in done.err
