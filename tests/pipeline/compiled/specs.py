"""Hand-written PipelineSpecs, as small as they can be; their containers are small processes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

_ARTIFACT = {"artifactType": {"schemaTitle": "system.Artifact", "schemaVersion": "0.0.1"}}


def produced(task: str, key: str) -> dict[str, Any]:
    """An input that is another task's artifact."""
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def constant(value: object) -> dict[str, Any]:
    """An input that is a constant."""
    return {"runtimeValue": {"constant": value}}


def task(
    script: str,
    *,
    arguments: Sequence[str] = (),
    artifacts: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    types: Mapping[str, str] | None = None,
    outputs: Sequence[str] = (),
    output_parameters: Mapping[str, str] | None = None,
    container: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A task whose container runs a Python script.

    Args:
        script: The script; its arguments are `arguments`.
        arguments: With placeholders.
        artifacts: Inputs by name.
        parameters: Inputs by name.
        types: Types of the input parameters that are no STRING.
        outputs: Names of output artifacts.
        output_parameters: Names of output parameters, and their types.
        container: More of the container's spec.
        more: More of the task's spec, as `dependentTasks`.
    """
    kinds = dict.fromkeys(parameters or {}, "STRING") | dict(types or {})
    return {
        "task": {
            "inputs": {"artifacts": dict(artifacts or {}), "parameters": dict(parameters or {})},
            **more,
        },
        "component": {
            "inputDefinitions": {
                "artifacts": dict.fromkeys(artifacts or {}, _ARTIFACT),
                "parameters": {name: {"parameterType": kind} for name, kind in kinds.items()},
            },
            "outputDefinitions": {
                "artifacts": dict.fromkeys(outputs, _ARTIFACT),
                "parameters": {
                    name: {"parameterType": kind}
                    for name, kind in (output_parameters or {}).items()
                },
            },
        },
        "executor": {
            "container": {
                "image": "nowhere/nothing:1",
                "command": ["python", "-c", script],
                "args": list(arguments),
                **(container or {}),
            }
        },
    }


def importer(uri: str) -> dict[str, Any]:
    """A task that imports what is at a URI, as the artifact `result`."""
    return {
        "task": {"inputs": {}},
        "component": {"outputDefinitions": {"artifacts": {"result": _ARTIFACT}}},
        "executor": {"importer": {"artifactUri": {"constant": uri}, "metadata": {"kind": "old"}}},
    }


def write_spec(
    file: Path,
    tasks: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, Any] | None = None,
    platform: Mapping[str, Any] | None = None,
) -> Path:
    """Write a pipeline `tiny` of tasks to a file, in the order given.

    Args:
        file: Where to write.
        tasks: By name, as `task` and `importer` make them.
        inputs: Definitions of the run's own parameters.
        platform: What Kubernetes adds for each executor.
    """
    spec = {
        "pipelineInfo": {"name": "tiny"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "tfx-0",
        "root": {
            "inputDefinitions": {"parameters": dict(inputs or {})},
            "dag": {
                "tasks": {
                    name: {
                        **parts["task"],
                        "taskInfo": {"name": name},
                        "componentRef": {"name": name},
                    }
                    for name, parts in tasks.items()
                }
            },
        },
        "components": {
            name: {**parts["component"], "executorLabel": f"{name}_executor"}
            for name, parts in tasks.items()
        },
        "deploymentSpec": {
            "executors": {f"{name}_executor": parts["executor"] for name, parts in tasks.items()}
        },
    }
    documents: list[Any] = [spec]
    if platform is not None:
        executors = {f"{name}_executor": settings for name, settings in platform.items()}
        documents.append(
            {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
        )
    file.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    return file
