"""`InfraValidator`, the node that serves a model for real before anyone else does."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.infra_validator.executor import Executor
from rankbeam.components.infra_validator.spec import InfraValidationSpec


class InfraValidatorNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `InfraValidator`."""

    PARAMETERS: ClassVar = {"options": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS: ClassVar = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class InfraValidator(base_component.BaseComponent):
    """Starts a real server on the model and compares its answers with the model's own.

    Needs no Docker: the server is a child process. A fault of the machine fails the node; only
    the model itself can lose the blessing.

    Outputs: `blessing`, an InfraBlessing artifact, see
    `rankbeam.components.infra_validator.blessing`.

    Args:
        model: The exported model.
        examples: Real examples, as ExampleGen wrote them.
        options: How to rehearse.
    """

    SPEC_CLASS = InfraValidatorNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: BaseChannel,
        examples: BaseChannel,
        options: InfraValidationSpec | None = None,
    ) -> None:
        super().__init__(
            InfraValidatorNodeSpec(
                model=model,
                examples=examples,
                blessing=Channel(type=standard_artifacts.InfraBlessing),
                options=(options or InfraValidationSpec()).model_dump_json(),
            )
        )
