"""Importers: tasks without a process, whose output is something that exists already."""

from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from rankbeam.pipeline.compiled.placeholders import text_of
from rankbeam.pipeline.compiled.state import Made, RunState
from rankbeam.transform.errors import ConfigError


def imported(
    task: str, component: Any, importer: Any, executor_input: Any, state: RunState
) -> Made:
    """The artifact that an `ImporterSpec` names.

    Args:
        task: The task.
        component: Its `ComponentSpec`, with one output artifact.
        importer: The `ImporterSpec`.
        executor_input: The task's inputs; the URI may be one of its parameters.
        state: The run so far.

    Raises:
        ConfigError: There is no URI, or more than one output.
    """
    outputs = component.output_definitions.artifacts
    if len(outputs) != 1:
        raise ConfigError(f"importer {task} must have one output; got {len(outputs)}")
    [(name, definition)] = outputs.items()
    uri = importer.artifact_uri
    given = executor_input.inputs.parameter_values
    if uri.WhichOneof("value") == "runtime_parameter" and uri.runtime_parameter in given:
        place = text_of(json_format.MessageToDict(given[uri.runtime_parameter]))
    else:
        place = uri.constant.string_value
    if not place:
        raise ConfigError(f"importer {task} must have a URI; got none")
    listed = pipeline_spec_pb2.ArtifactList()
    artifact = listed.artifacts.add(name=state.number(), uri=place)
    artifact.type.CopyFrom(definition.artifact_type)
    artifact.metadata.CopyFrom(importer.metadata)
    return Made({name: listed})
