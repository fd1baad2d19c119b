"""The page about Kubeflow says what is so."""

import re
from pathlib import Path

import yaml

from rankbeam.pipeline.kubeflow.parameters import run_parameters
from rankbeam.pipeline.kubeflow.spec import KubeflowSpec, NodeSettings, RetrySpec
from rankbeam.transform.specs.base import StrictModel
from tests.pipeline.kubeflow.compiled_documents import compiled, documents, loaded_tiny

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "kubeflow.md").read_text(encoding="utf-8")


def _section() -> dict[str, object]:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    section: dict[str, object] = yaml.safe_load(example)["kubeflow"]
    return section


def test_page_shows_a_section_that_compiles(tmp_path: Path) -> None:
    spec, platform = documents(compiled(tmp_path, {"kubeflow": _section()}))
    assert spec["defaultPipelineRoot"] == "gs://bucket/pipelines"
    assert platform


def test_page_names_every_field() -> None:
    models: tuple[type[StrictModel], ...] = (KubeflowSpec, NodeSettings, RetrySpec)
    fields = {field for model in models for field in model.model_fields}
    assert {field for field in fields if field not in PAGE} == set()


def test_page_names_the_parameters(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == list(run_parameters(loaded_tiny(tmp_path)).by_name())
