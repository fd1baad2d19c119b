"""Files that are no compiled pipeline, or have parts that would be left out, are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rankbeam.pipeline.compiled.spec import load_compiled
from rankbeam.transform.errors import ConfigError
from tests.pipeline.compiled.specs import task, write_spec

_Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("pipelineInfo"), "must be compiled with --target kubeflow; got no pipel"),
        (lambda s: s.update(schemaVersion="2.0.0"), r"schemaVersion must be 2.1.0; got 2.0.0$"),
        (lambda s: s.update(surprise=1), "must be a KFP PipelineSpec; got .*surprise"),
        (lambda s: s["components"].clear(), "^task A must run a component of the pipeline; got A$"),
        (
            lambda s: s["deploymentSpec"]["executors"].update(A_executor={"resolver": {}}),
            "^task A must be a container or an importer; got resolver$",
        ),
        (
            lambda s: s["root"]["dag"]["tasks"]["A"].update(triggerPolicy={"condition": "1 == 1"}),
            "^task A must be unconditional and run once; got a condition or loop$",
        ),
    ],
)
def test_load_refuses_what_it_cannot_run(tmp_path: Path, change: _Change, message: str) -> None:
    file = write_spec(tmp_path / "p.yaml", {"A": task("pass")})
    spec = yaml.safe_load(file.read_text())
    change(spec)
    file.write_text(yaml.safe_dump(spec))
    with pytest.raises(ConfigError, match=message):
        load_compiled(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold a PipelineSpec, and a PlatformSpec at most; got 0 documents$"),
        ("- a\n", "must hold a PipelineSpec, and a PlatformSpec at most; got 1 documents$"),
        ("a: [\n", "must be YAML; got while parsing"),
        ("pipelineSpec: {}\n", "--target kubeflow; got a PipelineJob for Vertex$"),
    ],
)
def test_load_refuses_other_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_compiled(file)


def test_load_tells_of_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^compiled pipeline must be readable; got .*no\.yaml"):
        load_compiled(tmp_path / "no.yaml")
