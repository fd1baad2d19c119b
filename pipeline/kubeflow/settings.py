"""What TFX's compiler leaves out of a PipelineSpec: defaults, resources, retries, caching, env."""

import json
from typing import Any

from rankbeam.pipeline.kubeflow.parameters import RunParameters
from rankbeam.pipeline.kubeflow.spec import KubeflowSpec, NodeSettings, RetrySpec

INPUTS_SPEC_FLAG = "--json_serialized_inputs_spec_args"


def executor_label(node: str) -> str:
    """The name of a node's executor in the deployment spec, as TFX's compiler makes it."""
    return f"{node}_executor"


def declare_parameters(spec: dict[str, Any], parameters: RunParameters) -> None:
    """Add defaults and descriptions to the pipeline's inputs, in place."""
    declared = spec["root"]["inputDefinitions"]["parameters"]
    for name, parameter in parameters.by_name().items():
        declared[name]["description"] = parameter.description
        if parameter.default is not None:
            declared[name] |= {"defaultValue": parameter.default, "isOptional": True}


def apply_settings(spec: dict[str, Any], settings: KubeflowSpec) -> None:
    """Add what each node gets to a PipelineSpec, in place."""
    executors = spec["deploymentSpec"]["executors"]
    for node, task in spec["root"]["dag"]["tasks"].items():
        own = settings.settings_of(node)
        container = executors[executor_label(node)]["container"]
        container["args"] = _canonical(container["args"])
        if resources := _resources(own):
            container["resources"] = resources
        if own.env:
            container["env"] = [{"name": k, "value": v} for k, v in sorted(own.env.items())]
        task["cachingOptions"] = {"enableCache": True} if own.cache else {}
        if own.retries is not None and own.retries.max_retries > 0:
            task["retryPolicy"] = _retry_policy(own.retries)


def _resources(settings: NodeSettings) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    if settings.cpu is not None:
        resources["cpuLimit"] = settings.cpu
    if settings.memory_gb is not None:
        resources["memoryLimit"] = settings.memory_gb
    if settings.accelerator is not None:
        # JSON's way to write a 64-bit integer is a text.
        resources["accelerator"] = {
            "type": settings.accelerator.type,
            "count": str(settings.accelerator.count),
        }
    return resources


def _retry_policy(retries: RetrySpec) -> dict[str, Any]:
    return {
        "maxRetryCount": retries.max_retries,
        "backoffDuration": f"{retries.backoff_s:g}s",
        "backoffFactor": retries.backoff_factor,
        "backoffMaxDuration": f"{retries.max_backoff_s:g}s",
    }


def _canonical(arguments: list[str]) -> list[str]:
    """Arguments with their JSON on one line, however a version of protobuf lays it out."""
    result = list(arguments)
    if INPUTS_SPEC_FLAG in result:
        place = result.index(INPUTS_SPEC_FLAG) + 1
        result[place] = json.dumps(json.loads(result[place]), sort_keys=True)
    return result
