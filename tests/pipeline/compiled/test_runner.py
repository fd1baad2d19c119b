"""Compiled pipelines whose containers are small real processes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rankbeam.transform.errors import ConfigError, EnvironmentFault
from tests.pipeline.compiled.recorded import Recorded
from tests.pipeline.compiled.specs import constant, importer, produced, task

_WRITE = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
_URI = "{{$.outputs.artifacts['out'].uri}}"
_COUNT = "{{$.outputs.parameters['n'].output_file}}"
# What TFX's entry point does: read the executor input, write outputs, write a report.
_REPORT = """
import json, pathlib, sys
given = json.loads(sys.argv[1])
[artifact] = given["outputs"]["artifacts"]["out"]["artifacts"]
pathlib.Path(artifact["uri"]).write_text(json.dumps(given["inputs"]))
report = {"artifacts": {"out": {"artifacts": [
    {"uri": artifact["uri"], "metadata": {"rows": 5, "names": "a"}}]}}, "parameterValues": {"n": 3}}
pathlib.Path(given["outputs"]["outputFile"]).write_text(json.dumps(report))
"""


def _passing(name: str, **more: Any) -> dict[str, Any]:
    """A task that writes the value of its parameter `word`."""
    return task(
        _WRITE,
        arguments=[_URI, "{{$.inputs.parameters['word']}}"],
        parameters={"word": constant(name)},
        outputs=["out"],
        **more,
    )


def test_runner_hands_artifacts_and_parameters_on(tmp_path: Path) -> None:
    reader = "import sys, pathlib; print(sys.argv[2], pathlib.Path(sys.argv[1]).read_text())"
    number = {"taskOutputParameter": {"producerTask": "First", "outputParameterKey": "n"}}
    done = Recorded(tmp_path).run(
        {
            "Second": task(
                reader,
                arguments=[
                    "{{$.inputs.artifacts['x'].path}}",
                    "{{$.inputs.parameters['n']}}",
                ],
                artifacts={"x": produced("First", "out")},
                parameters={"n": number},
                types={"n": "NUMBER_INTEGER"},
            ),
            "First": task(
                _REPORT,
                arguments=["{{$}}"],
                parameters={"steps": {"componentInputParameter": "steps"}},
                types={"steps": "NUMBER_INTEGER"},
                outputs=["out"],
                output_parameters={"n": "NUMBER_INTEGER"},
            ),
        },
        {"steps": "20"},
        inputs={"steps": {"parameterType": "NUMBER_INTEGER", "defaultValue": 10}},
    )
    assert done.states == [("First", "done"), ("Second", "done")]
    given = {"parameterValues": {"steps": 20}}
    assert json.loads(done.text("First", "out")) == given
    number_read, _, text = done.log("Second").strip().partition(" ")
    assert (number_read, json.loads(text)) == ("3", given)
    [artifact] = done.results["First"].outputs["out"]
    assert artifact.get_string_custom_property("names") == "a"
    assert artifact.get_int_custom_property("rows") == 5
    assert Path(artifact.uri) == tmp_path / "artifacts" / "run" / "First" / "out"


def test_runner_reads_output_parameters_from_their_files(tmp_path: Path) -> None:
    writer = task(_WRITE, arguments=[_COUNT, "[1, 2]"], output_parameters={"n": "LIST"})
    done = Recorded(tmp_path).run({"A": writer})
    assert done.state is not None
    assert done.state.made["A"].parameters == {"n": [1, 2]}


def test_runner_gives_defaults_and_leaves_out_what_is_optional(tmp_path: Path) -> None:
    echo = task("import sys; print(sys.argv[1])", arguments=["{{$}}"])
    echo["component"]["inputDefinitions"]["parameters"] = {
        "size": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5},
        "name": {"parameterType": "STRING", "isOptional": True},
    }
    done = Recorded(tmp_path).run({"A": echo})
    assert json.loads(done.log("A"))["inputs"] == {"parameterValues": {"size": 0.5}}


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("5", "NUMBER_INTEGER", "^parameter n of task A must be a NUMBER_INTEGER; got '5'$"),
        (True, "NUMBER_DOUBLE", "^parameter n of task A must be a NUMBER_DOUBLE; got True$"),
    ],
)
def test_runner_holds_inputs_to_their_types(
    tmp_path: Path, value: object, kind: str, message: str
) -> None:
    wrong = task("pass", parameters={"n": constant(value)}, types={"n": kind})
    with pytest.raises(ConfigError, match=message):
        Recorded(tmp_path).run({"A": wrong})


def test_runner_imports_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "old"
    place.write_text("words")
    reader = task(
        "import sys, pathlib; print(pathlib.Path(sys.argv[1]).read_text())",
        arguments=["{{$.inputs.artifacts['x'].uri}}"],
        artifacts={"x": produced("Old", "result")},
    )
    done = Recorded(tmp_path).run({"Old": importer(str(place)), "Reader": reader})
    assert done.log("Reader") == "words\n"
    assert done.results["Old"].outputs["result"][0].properties == {"kind": "old"}


def test_runner_gives_containers_their_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "from a secret")
    show = "import os; print(os.environ['MODE'], os.environ['KEY'], 'OTHER' in os.environ)"
    shown = task(show, container={"env": [{"name": "MODE", "value": "fast"}]})
    names = [{"secretKey": "k", "envVar": "KEY"}]
    may_miss = [{"secretKey": "k", "envVar": "OTHER"}]
    secrets = [
        {"secretName": "s", "keyToEnv": names},
        {"secretName": "t", "keyToEnv": may_miss, "optional": True},
    ]
    done = Recorded(tmp_path).run({"A": shown}, platform={"A": {"secretAsEnv": secrets}})
    assert done.log("A") == "fast from a secret False\n"


def test_runner_starts_nothing_where_a_secret_is_missing(tmp_path: Path) -> None:
    secrets = [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "NO_SUCH_KEY"}]}]
    assert "NO_SUCH_KEY" not in os.environ
    recorded = Recorded(tmp_path)
    tasks = {"A": task("pass"), "B": task("pass")}
    with pytest.raises(EnvironmentFault, match=r"^environment must hold NO_SUCH_KEY, which task B"):
        recorded.run(tasks, platform={"B": {"secretAsEnv": secrets}})
    assert recorded.states == []


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ({"secretAsVolume": [{"secretName": "keys"}]}, "secret keys"),
        ({"pvcMount": [{"constant": "models"}]}, "claim models"),
    ],
    ids=["secret", "claim"],
)
def test_runner_starts_nothing_where_a_mount_is_missing(
    tmp_path: Path, setting: dict[str, list[dict[str, str]]], what: str
) -> None:
    place = tmp_path / "mnt" / "there"
    [(kind, [mount])] = setting.items()
    platform = {"B": {kind: [{**mount, "mountPath": str(place)}]}}
    recorded = Recorded(tmp_path)
    tasks = {"A": task("pass"), "B": task("pass")}
    message = rf"^{place} must exist here, where task B has the {what} on a cluster; it does not$"
    with pytest.raises(EnvironmentFault, match=message):
        recorded.run(tasks, platform=platform)
    assert recorded.states == []
    place.mkdir(parents=True)
    assert recorded.run(tasks, platform=platform).states == [("A", "done"), ("B", "done")]


def test_runner_starts_nothing_that_wants_more_of_kubernetes(tmp_path: Path) -> None:
    settings = {"configMapAsEnv": [{"configMapName": "m", "keyToEnv": []}]}
    recorded = Recorded(tmp_path)
    tasks = {"A": task("pass"), "B": task("pass")}
    message = (
        "^task B must need of Kubernetes no more than secrets and claims to run here; "
        "got configMapAsEnv$"
    )
    with pytest.raises(ConfigError, match=message):
        recorded.run(tasks, platform={"B": settings})
    assert recorded.states == []


def test_runner_needs_no_secret_that_may_miss(tmp_path: Path) -> None:
    secret = {"secretName": "s", "mountPath": str(tmp_path / "gone"), "optional": True}
    settings = {"secretAsVolume": [secret], "nodeSelector": {"labels": {"pool": "cheap"}}}
    done = Recorded(tmp_path).run({"A": task("pass")}, platform={"A": settings})
    assert done.states == [("A", "done")]


def test_runner_takes_equal_results_from_earlier_runs(tmp_path: Path) -> None:
    cached = {"cachingOptions": {"enableCache": True}}

    def states(run: int, word: str, code: str = "code", caching: bool = True) -> list[str]:
        tasks = {"A": _passing(word, **(cached if caching else {}))}
        done = Recorded(tmp_path).run(tasks, run_id=str(run), code=code)
        assert done.text("A", "out") == word
        return [state for _, state in done.states]

    assert states(1, "x") == ["done"]
    assert states(2, "x") == ["cached"]
    assert states(3, "x", caching=False) == ["done"]
    assert states(4, "x", code="other") == ["done"]
    assert states(5, "y") == ["done"]
    (tmp_path / "artifacts" / "1" / "A" / "out").unlink()
    assert states(6, "x") == ["done"]
