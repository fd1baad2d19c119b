"""The last three nodes compile to a KFP v2 pipeline, with their options as plain strings."""

import json
from pathlib import Path

import pytest
import yaml
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from rankbeam.components.infra_validator.component import InfraValidator
from rankbeam.components.infra_validator.spec import InfraValidationSpec
from rankbeam.components.parity.component import ParityCheck
from rankbeam.components.parity.spec import ParitySpec
from rankbeam.components.pusher.component import Pusher
from rankbeam.components.pusher.spec import PushSpec


def _imported(kind: type, name: str) -> Importer:
    return Importer(source_uri=f"gs://bucket/{name}", artifact_type=kind).with_id(name)


@pytest.mark.slow
def test_kubeflow_nodes_compile(tmp_path: Path) -> None:
    model = _imported(standard_artifacts.Model, "trained")
    examples = _imported(standard_artifacts.Examples, "logged")
    blessing = _imported(standard_artifacts.ModelBlessing, "evaluated")
    infra = InfraValidator(
        model=model.outputs["result"],
        examples=examples.outputs["result"],
        options=InfraValidationSpec(num_examples=5),
    )
    transformed = _imported(standard_artifacts.TransformGraph, "transformed")
    schema = _imported(standard_artifacts.Schema, "contract")
    parity = ParityCheck(
        examples=examples.outputs["result"],
        model=model.outputs["result"],
        transform_graph=transformed.outputs["result"],
        schema=schema.outputs["result"],
        options=ParitySpec(seed=7),
    )
    pusher = Pusher(
        model=model.outputs["result"],
        model_blessing=blessing.outputs["result"],
        infra_blessing=infra.outputs["blessing"],
        parity=parity.outputs["certificate"],
        spec=PushSpec(version=3),
        destination="/models/ads",
        model_name="ads",
    )
    output = tmp_path / "pipeline.yaml"
    kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(default_image="rankbeam:test"),
        output_filename=str(output),
    ).run(
        Pipeline(
            pipeline_name="ads",
            pipeline_root=str(tmp_path / "root"),
            components=[model, examples, blessing, transformed, schema, infra, parity, pusher],
        )
    )
    tasks = yaml.safe_load(output.read_text())["root"]["dag"]["tasks"]
    assert set(tasks["Pusher"]["inputs"]["artifacts"]) == {
        "model",
        "model_blessing",
        "infra_blessing",
        "parity",
    }
    expected = {
        "InfraValidator": ("num_examples", 5),
        "ParityCheck": ("seed", 7),
        "Pusher": ("model_name", "ads"),
    }
    for node, (key, value) in expected.items():
        parameter = tasks[node]["inputs"]["parameters"]["options"]["runtimeValue"]
        # `constantValue: {stringValue: ...}` or `constant: ...`, by the version of the IR.
        (constant,) = parameter.values()
        text = constant if isinstance(constant, str) else constant["stringValue"]
        assert json.loads(text)[key] == value
