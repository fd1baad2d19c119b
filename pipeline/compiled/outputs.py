"""What a task makes: where it is told to write, and what it reports afterwards.

Source: kubeflow/pipelines, backend/src/v2/driver/driver.go and component/launcher_v2.go.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from kfp.pipeline_spec.pipeline_spec_pb2 import ParameterType

from rankbeam.pipeline.compiled.state import Made, RunState
from rankbeam.transform.errors import EnvironmentFault, RankbeamError

_REPORT = "output_metadata.json"


def provision(task: str, component: Any, state: RunState, executor_input: Any) -> None:
    """Add the outputs of a task to its `ExecutorInput`: new URIs, and a file for its report."""
    folder = state.root / task
    outputs = executor_input.outputs
    for name, definition in component.output_definitions.artifacts.items():
        artifact = outputs.artifacts[name].artifacts.add(name=name, uri=str(folder / name))
        artifact.type.CopyFrom(definition.artifact_type)
        artifact.metadata.CopyFrom(definition.metadata)
    for name in component.output_definitions.parameters:
        outputs.parameters[name].output_file = str(folder / "parameters" / name)
    outputs.output_file = str(folder / _REPORT)


def clear(task: str, component: Any, state: RunState) -> None:
    """Make a task's folders anew, without what a failed attempt left."""
    folder = state.root / task
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        if component.output_definitions.parameters:
            (folder / "parameters").mkdir()
    except OSError as error:
        raise EnvironmentFault(
            f"output folder must be writable; got {folder}: {error.strerror}"
        ) from None


def remove(task: str, state: RunState) -> None:
    """Remove a task's folders; what cannot be removed stays, without hiding why the task failed."""
    shutil.rmtree(state.root / task, ignore_errors=True)


def collect(task: str, component: Any, executor_input: Any, state: RunState) -> Made:
    """What a task has made: its outputs, with what its report says of them.

    Raises:
        RankbeamError: The report is malformed, or an output parameter was not written.
    """
    report = _report(task, Path(executor_input.outputs.output_file))
    made = {}
    for name, planned in executor_input.outputs.artifacts.items():
        merged = pipeline_spec_pb2.ArtifactList()
        merged.CopyFrom(planned)
        [artifact] = merged.artifacts
        for told in report.artifacts[name].artifacts[:1]:
            artifact.uri = told.uri or artifact.uri
            artifact.metadata.update(json_format.MessageToDict(told.metadata))
        artifact.name = state.number()
        made[name] = merged
    parameters: dict[str, object] = {
        name: json_format.MessageToDict(value) for name, value in report.parameter_values.items()
    }
    for name, definition in component.output_definitions.parameters.items():
        if name not in parameters:
            file = Path(executor_input.outputs.parameters[name].output_file)
            parameters[name] = _written(task, name, file, definition)
    return Made(made, parameters)


def _report(task: str, file: Path) -> Any:
    """A task's `ExecutorOutput`; an empty one where it wrote none."""
    message = pipeline_spec_pb2.ExecutorOutput()
    if not file.exists():
        return message
    try:
        json_format.Parse(file.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise RankbeamError(
            f"report of task {task} must be an ExecutorOutput; got {error}"
        ) from None
    return message


def _written(task: str, name: str, file: Path, definition: Any) -> object:
    try:
        text = file.read_text(encoding="utf-8")
        kind = ParameterType.ParameterTypeEnum.Name(definition.parameter_type)
        if kind == "STRING":
            return text
        value: object = json.loads(text)
    except (OSError, ValueError) as error:
        raise RankbeamError(f"task {task} must write its parameter {name}; got {error}") from None
    return value
