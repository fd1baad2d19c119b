"""What a task is given: its parameters and artifacts, as Kubeflow's driver resolves them.

Source: kubeflow/pipelines, backend/src/v2/driver/resolve.go and component/launcher_v2.go.
"""

from typing import Any

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2
from kfp.pipeline_spec.pipeline_spec_pb2 import ParameterType

from rankbeam.pipeline.compiled.placeholders import text_of
from rankbeam.pipeline.compiled.state import RunState
from rankbeam.transform.errors import ConfigError

_KINDS: dict[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def resolved(task_name: str, task: Any, component: Any, state: RunState) -> Any:
    """The inputs of a task, as an `ExecutorInput` message without outputs.

    Args:
        task_name: The task.
        task: Its `PipelineTaskSpec`.
        component: Its `ComponentSpec`.
        state: The run so far.

    Raises:
        ConfigError: An input is not there, or has the wrong type.
    """
    message = pipeline_spec_pb2.ExecutorInput()
    # Present even where a task has no inputs, as the driver sends it.
    message.inputs.SetInParent()
    definitions = component.input_definitions
    for name, definition in definitions.parameters.items():
        place = f"parameter {name} of task {task_name}"
        value = _parameter(place, task_name, task.inputs.parameters.get(name), definition, state)
        if value is not None:
            typed = _typed(place, value, definition)
            message.inputs.parameter_values[name].CopyFrom(_message(typed))
    for name, spec in task.inputs.artifacts.items():
        place = f"artifact {name} of task {task_name}"
        artifacts = _artifacts(place, spec, state)
        if artifacts is not None and artifacts.artifacts:
            message.inputs.artifacts[name].CopyFrom(artifacts)
        elif not definitions.artifacts[name].is_optional:
            raise ConfigError(f"{place} must be made by its producer; got none")
    return message


def _parameter(place: str, task_name: str, spec: Any, definition: Any, state: RunState) -> object:
    """A parameter's value; None where it is optional and has none."""
    value = _given(place, task_name, spec, state) if spec is not None else None
    if value is None and definition.HasField("default_value"):
        value = json_format.MessageToDict(definition.default_value)
    if value is None and not definition.is_optional:
        raise ConfigError(f"{place} must have a value; got none")
    return value


def _given(place: str, task_name: str, spec: Any, state: RunState) -> object:
    kind = spec.WhichOneof("kind")
    if kind == "component_input_parameter":
        return state.parameters.get(spec.component_input_parameter)
    if kind == "task_output_parameter":
        source = spec.task_output_parameter
        return state.made[source.producer_task].parameters.get(source.output_parameter_key)
    if kind == "runtime_value" and spec.runtime_value.WhichOneof("value") == "constant":
        value: object = json_format.MessageToDict(spec.runtime_value.constant)
        return _of_the_run(value, task_name, state) if isinstance(value, str) else value
    raise ConfigError(f"{place} must be a constant, a run's or a task's; got {kind or 'nothing'}")


def _of_the_run(text: str, task_name: str, state: RunState) -> str:
    """Constants that stand for what the driver knows."""
    return {
        "{{$.pipeline_job_name}}": state.name,
        "{{$.pipeline_job_resource_name}}": state.name,
        "{{$.pipeline_job_uuid}}": state.run_id,
        "{{$.pipeline_job_create_time_utc}}": state.created,
        "{{$.pipeline_task_name}}": task_name,
    }.get(text, text)


def _typed(place: str, value: object, definition: Any) -> object:
    kind = ParameterType.ParameterTypeEnum.Name(definition.parameter_type)
    if kind == "STRING":
        return text_of(value)
    wanted = _KINDS.get(kind)
    is_truth = isinstance(value, bool)
    if wanted is None or not isinstance(value, wanted) or (is_truth and kind != "BOOLEAN"):
        raise ConfigError(f"{place} must be a {kind}; got {value!r}")
    return value


def _message(value: object) -> Any:
    message = struct_pb2.Value()
    json_format.ParseDict(value, message)  # type: ignore[arg-type]
    return message


def _artifacts(place: str, spec: Any, state: RunState) -> Any:
    kind = spec.WhichOneof("kind")
    if kind != "task_output_artifact":
        raise ConfigError(f"{place} must be another task's; got {kind or 'nothing'}")
    source = spec.task_output_artifact
    return state.made[source.producer_task].artifacts.get(source.output_artifact_key)
