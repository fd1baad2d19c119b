"""The configs that the project ships, compiled by the command and loaded by the kfp SDK."""

import json
from pathlib import Path

import pytest
import yaml
from kfp import components

from rankbeam.pipeline.cli.main import main
from rankbeam.pipeline.embedded import embedded_config
from tests.e2e.tiny import NODES

ROOT = Path(__file__).resolve().parents[3]
CONFIGS = {
    "offers": embedded_config(),
    "census": ROOT / "examples" / "census" / "rankbeam.yaml",
    "hillstrom": ROOT / "examples" / "hillstrom" / "rankbeam.yaml",
}
PARAMETERS = {"data_path", "training_steps", "push_destination"}


def _compile(*words: object) -> None:
    with pytest.raises(SystemExit) as end:
        main(["compile", *map(str, words)])
    assert end.value.code == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_config_compiles_for_kubeflow(name: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    _compile(CONFIGS[name], "--target", "kubeflow", "-o", file)
    loaded = components.load_component_from_file(str(file))
    assert loaded.pipeline_spec.pipeline_info.name == name
    assert set(loaded.pipeline_spec.root.dag.tasks) == set(NODES)
    inputs = loaded.component_spec.inputs
    assert set(inputs) == PARAMETERS
    assert {key for key, spec in inputs.items() if not spec.optional} == PARAMETERS - {
        "training_steps"
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_config_compiles_for_vertex(name: str, tmp_path: Path) -> None:
    """With the bucket that Vertex needs, and no config of ours can know."""
    config = yaml.safe_load(CONFIGS[name].read_text(encoding="utf-8"))
    config["kubeflow"] = {"pipeline_root": "gs://bucket/root", "data_root": "gs://bucket/data"}
    file = tmp_path / "rankbeam.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    _compile(file, "--target", "vertex", "-o", tmp_path / "job.json")
    job = json.loads((tmp_path / "job.json").read_text(encoding="utf-8"))
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/root"
    loaded = components.load_component_from_text(yaml.safe_dump(job["pipelineSpec"]))
    assert loaded.pipeline_spec.pipeline_info.name == name
    assert set(loaded.pipeline_spec.root.dag.tasks) == set(NODES)
    assert set(loaded.component_spec.inputs) == PARAMETERS
    assert loaded.component_spec.inputs["data_path"].default == "gs://bucket/data"
