"""A compiled pipeline as a file holds it: KFP's PipelineSpec, and what Kubernetes adds to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from rankbeam.pipeline.compiled.platform import Additions, additions
from rankbeam.transform.errors import ConfigError

# Of open-source KFP: the one whose executor inputs have typed values. TFX's older one is Vertex's.
_SCHEMA = "2.1.0"


@dataclass(frozen=True)
class CompiledPipeline:
    """A parsed PipelineSpec.

    Attributes:
        file: Where it was read from.
        spec: A `PipelineSpec` message.
        deployment: Its `PipelineDeploymentConfig` message: how each executor is run.
        additions: By executor label, what Kubernetes adds to its container.
    """

    file: Path
    spec: Any
    deployment: Any
    additions: Mapping[str, Additions]

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.spec.pipeline_info.name)

    @property
    def tasks(self) -> Mapping[str, Any]:
        """Task specs by name."""
        return dict(self.spec.root.dag.tasks)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Specs of the run's own parameters by name."""
        return dict(self.spec.root.input_definitions.parameters)

    def component(self, task: str) -> Any:
        """The component that a task runs."""
        return self.spec.components[self.tasks[task].component_ref.name]

    def executor(self, task: str) -> Any:
        """How a task's component is executed."""
        return self.deployment.executors[self.component(task).executor_label]

    def added(self, task: str) -> Additions:
        """What Kubernetes adds to a task's container."""
        return self.additions.get(self.component(task).executor_label, Additions())


def load_compiled(file: Path) -> CompiledPipeline:
    """Read what `rankbeam compile --target kubeflow` wrote.

    Raises:
        ConfigError: It is none, or has parts that nothing here can run.
    """
    pipeline, platform = _documents(file)
    try:
        spec = json_format.ParseDict(pipeline, pipeline_spec_pb2.PipelineSpec())
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec),
            pipeline_spec_pb2.PipelineDeploymentConfig(),
        )
    except json_format.ParseError as error:
        raise ConfigError(f"{file} must be a KFP PipelineSpec; got {error}") from None
    if spec.schema_version != _SCHEMA:
        raise ConfigError(
            f"{file}: schemaVersion must be {_SCHEMA}; got {spec.schema_version or 'none'}"
        )
    compiled = CompiledPipeline(file, spec, deployment, additions(platform))
    for task in compiled.tasks:
        _check(compiled, task)
    return compiled


def _documents(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        documents = [
            each
            for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))
            if each is not None
        ]
    except OSError as error:
        raise ConfigError(f"compiled pipeline must be readable; got {file}: {error}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} must be YAML; got {error}") from None
    if not 1 <= len(documents) <= 2 or not all(isinstance(each, dict) for each in documents):
        raise ConfigError(
            f"{file} must hold a PipelineSpec, and a PlatformSpec at most; "
            f"got {len(documents)} documents"
        )
    pipeline, platform = [*documents, {}][:2]
    if "pipelineInfo" not in pipeline:
        kind = "a PipelineJob for Vertex" if "pipelineSpec" in pipeline else "no pipelineInfo"
        raise ConfigError(f"{file} must be compiled with --target kubeflow; got {kind}")
    return pipeline, platform


def _check(compiled: CompiledPipeline, task: str) -> None:
    """Refuse by name what would otherwise be left out in silence."""
    spec = compiled.tasks[task]
    if spec.component_ref.name not in compiled.spec.components:
        raise ConfigError(
            f"task {task} must run a component of the pipeline; got {spec.component_ref.name}"
        )
    kind = compiled.executor(task).WhichOneof("spec")
    if kind not in {"container", "importer"}:
        raise ConfigError(f"task {task} must be a container or an importer; got {kind or 'none'}")
    if spec.WhichOneof("iterator") is not None or spec.trigger_policy.condition:
        raise ConfigError(
            f"task {task} must be unconditional and run once; got a condition or loop"
        )
