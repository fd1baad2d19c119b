"""What must load without TensorFlow, TFX and Beam does, and `rankbeam --help` is quick."""

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.packaging.checkout import PACKAGES, ROOT, tracked

HELP_LIMIT_S = 0.5
HEAVY = (
    "apache_beam",
    "keras",
    "ml_metadata",
    "pandas",
    "pyarrow",
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tf_keras",
    "tfx",
    "tfx_bsl",
)
# Imports each module in turn and reports which heavy ones it brought along.
_PROBE = """
import importlib, json, sys
heavy, modules = json.loads(sys.argv[1])
brought = {}
for module in modules:
    before = set(sys.modules)
    importlib.import_module(module)
    brought[module] = sorted((set(sys.modules) - before) & set(heavy))
print(json.dumps(brought))
"""


def _is_light(path: Path) -> bool:
    """Specs, configuration, errors, the command line, and every `__init__`."""
    return (
        path.name in {"__init__.py", "errors.py", "spec.py", "specs.py"}
        or "specs" in path.parts
        or path.is_relative_to(ROOT / "pipeline" / "config")
    )


def _light_modules() -> list[str]:
    paths = tracked(*(f"{package}/*.py" for package in PACKAGES))
    dotted = [
        "rankbeam." + path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for path in paths
        if _is_light(path)
    ]
    return sorted(name.removesuffix(".__init__") for name in dotted)


def test_light_modules_import_nothing_heavy() -> None:
    modules = _light_modules()
    assert "rankbeam.transform.errors" in modules
    command = [sys.executable, "-c", _PROBE, json.dumps([HEAVY, modules])]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    brought = json.loads(answer.stdout)
    assert {module: heavy for module, heavy in brought.items() if heavy} == {}


def test_grammar_that_is_built_at_each_import_of_kfp_is_not_locked() -> None:
    """A fifth of the seconds of all that a node imports, for a format that nothing here checks."""
    assert find_spec("jsonschema") is not None
    assert find_spec("rfc3987_syntax") is None


def test_run_imports_no_client_of_vertex_and_no_sdk_of_kubeflow() -> None:
    """What they import takes half as long as all that a run needs."""
    code = "import sys, rankbeam.pipeline.dag, rankbeam.pipeline.execution; print(*sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    brought = set(answer.stdout.split())
    assert "tfx.orchestration.pipeline" in brought
    assert brought & {"google.cloud.aiplatform", "kfp"} == set()


@pytest.mark.parametrize("command", [["--help"], ["config", "--help"], ["run", "--help"]])
def test_help_answers_quickly(command: list[str]) -> None:
    """The best of three, in processor seconds, so that a busy machine does not fail it."""
    program = Path(sys.executable).parent / "rankbeam"
    spent = []
    for _ in range(3):
        before, begin = os.times(), time.monotonic()
        answer = subprocess.run([program, *command], capture_output=True, text=True, check=False)
        after, wall = os.times(), time.monotonic() - begin
        assert answer.returncode == 0, answer.stderr
        assert "Usage:" in answer.stdout
        processor = (after.children_user + after.children_system) - (
            before.children_user + before.children_system
        )
        spent.append(min(processor, wall))
    assert min(spent) < HELP_LIMIT_S
