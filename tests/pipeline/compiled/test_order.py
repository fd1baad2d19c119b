"""Tasks run after all that they depend on."""

from pathlib import Path

import pytest

from rankbeam.pipeline.compiled.order import in_order
from rankbeam.pipeline.compiled.spec import load_compiled
from rankbeam.transform.errors import ConfigError
from tests.pipeline.compiled.specs import produced, task, write_spec

_PARAMETER = {"taskOutputParameter": {"producerTask": "B", "outputParameterKey": "n"}}


def test_order_follows_artifacts_parameters_and_edges_without_either(tmp_path: Path) -> None:
    tasks = {
        "A": task("pass", artifacts={"x": produced("D", "y")}),
        "B": task("pass", dependentTasks=["A"]),
        "C": task("pass", parameters={"n": _PARAMETER}),
        "D": task("pass", outputs=["y"]),
        "E": task("pass"),
    }
    file = write_spec(tmp_path / "p.yaml", tasks)
    assert in_order(load_compiled(file).tasks) == ["D", "A", "B", "C", "E"]


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (["B"], "^tasks must not depend on themselves; got A, B$"),
        (["Z"], "^task A must depend on tasks of the pipeline; got Z$"),
    ],
)
def test_order_refuses_what_can_never_start(tmp_path: Path, needs: list[str], message: str) -> None:
    tasks = {"A": task("pass", dependentTasks=needs), "B": task("pass", dependentTasks=["A"])}
    compiled = load_compiled(write_spec(tmp_path / "p.yaml", tasks))
    with pytest.raises(ConfigError, match=message):
        in_order(compiled.tasks)
