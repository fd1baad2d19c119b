"""Where the Beam stages of a compiled pipeline run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rankbeam.pipeline.kubeflow.compile import Target
from rankbeam.transform.errors import ConfigError
from tests.pipeline.kubeflow.compiled_documents import compiled, documents

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "scaling.md"
_BEAM = {"StatisticsGen", "Transform", "Evaluator"}
_CHANGES: dict[str, Any] = {
    "kubeflow.pipeline_root": "gs://bucket/root",
    "beam": {
        "dataflow": {
            "project": "p",
            "region": "europe-west1",
            "temp_location": "gs://bucket/tmp",
            "sdk_container_image": "registry/rankbeam-beam:1",
        },
        "nodes": {"Transform": {"dataflow": {"machine_type": "n2-highmem-8"}}},
    },
}


def _arguments(text: str, target: Target) -> dict[str, list[str]]:
    spec: dict[str, Any] = (
        json.loads(text)["pipelineSpec"] if target == "vertex" else documents(text)[0]
    )
    return {
        label.removesuffix("_executor"): each["container"]["args"]
        for label, each in spec["deploymentSpec"]["executors"].items()
    }


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_one_flag_compiles_beam_stages_for_dataflow(tmp_path: Path, target: Target) -> None:
    told = _arguments(compiled(tmp_path, _CHANGES, target, "dataflow"), target)
    assert {node for node, words in told.items() if "--runner=DataflowRunner" in words} == _BEAM
    for node in _BEAM:
        assert {"--project=p", "--sdk_container_image=registry/rankbeam-beam:1"} <= set(told[node])
    assert "--machine_type=n2-highmem-8" in told["Transform"]
    assert not any("DirectRunner" in word for words in told.values() for word in words)


def test_flag_sends_stages_back_to_beams_own_runner(tmp_path: Path) -> None:
    changes = {**_CHANGES, "beam": {**_CHANGES["beam"], "runner": "dataflow"}}
    told = _arguments(compiled(tmp_path, changes, "kubeflow", "direct"), "kubeflow")
    assert {node for node, words in told.items() if "--runner=DirectRunner" in words} == _BEAM


def test_workers_elsewhere_need_artifacts_that_they_can_read(tmp_path: Path) -> None:
    changes = {**_CHANGES, "kubeflow.pipeline_root": "minio://mlpipeline/v2"}
    message = r"^kubeflow\.pipeline_root must start with gs:// for .* dataflow.*; got minio://mlpi"
    with pytest.raises(ConfigError, match=message):
        compiled(tmp_path, changes, "kubeflow", "dataflow")


def test_sections_that_the_page_shows_compile(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    runners = []
    for section in map(yaml.safe_load, shown):
        changes = {"kubeflow": {"pipeline_root": "gs://bucket/root"}, **section}
        words = _arguments(compiled(tmp_path, changes), "kubeflow")["StatisticsGen"]
        runners += [word for word in words if word.startswith("--runner=")]
    assert runners == ["--runner=PortableRunner", "--runner=DataflowRunner"]
