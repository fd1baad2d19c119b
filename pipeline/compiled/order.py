"""The order in which a compiled pipeline's tasks run."""

from collections.abc import Mapping
from typing import Any

from rankbeam.transform.errors import ConfigError


def upstream(task: Any) -> set[str]:
    """Names of the tasks that must have ended before a `PipelineTaskSpec` may start."""
    found = set(task.dependent_tasks)
    for artifact in task.inputs.artifacts.values():
        if artifact.WhichOneof("kind") == "task_output_artifact":
            found.add(artifact.task_output_artifact.producer_task)
    for parameter in task.inputs.parameters.values():
        if parameter.WhichOneof("kind") == "task_output_parameter":
            found.add(parameter.task_output_parameter.producer_task)
    return found


def in_order(tasks: Mapping[str, Any]) -> list[str]:
    """Names of tasks, each after all that it depends on; by name where that leaves a choice.

    Raises:
        ConfigError: A task depends on one that is not there, or on itself through others.
    """
    waiting = {name: upstream(task) for name, task in tasks.items()}
    for name, needed in waiting.items():
        if unknown := sorted(needed - set(tasks)):
            raise ConfigError(f"task {name} must depend on tasks of the pipeline; got {unknown[0]}")
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, needed in waiting.items() if needed <= set(order))
        if not ready:
            raise ConfigError(
                f"tasks must not depend on themselves; got {', '.join(sorted(waiting))}"
            )
        order.append(ready[0])
        del waiting[ready[0]]
    return order
