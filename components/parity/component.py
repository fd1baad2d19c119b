"""`ParityCheck`, the node that asks one model on every path that an answer can take."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.parity.executor import Executor
from rankbeam.components.parity.spec import ParitySpec


class ParityCheckNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `ParityCheck`."""

    PARAMETERS: ClassVar = {"options": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS: ClassVar = {"certificate": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class ParityCheck(base_component.BaseComponent):
    """Sends real and fuzzed examples through training's transform, the SavedModel and a server.

    A fault of the machine fails the node; only the model itself can lose the certificate.

    Outputs: `certificate`, an InfraBlessing artifact, see
    `rankbeam.components.parity.certificate`.

    Args:
        examples: Real examples, as ExampleGen wrote them.
        model: The exported model.
        transform_graph: What the model was trained with.
        schema: Of SchemaContract: the labels are not in its environment SERVING.
        options: What to ask.
    """

    SPEC_CLASS = ParityCheckNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        transform_graph: BaseChannel,
        schema: BaseChannel,
        options: ParitySpec | None = None,
    ) -> None:
        super().__init__(
            ParityCheckNodeSpec(
                examples=examples,
                model=model,
                transform_graph=transform_graph,
                schema=schema,
                certificate=Channel(type=standard_artifacts.InfraBlessing),
                options=(options or ParitySpec()).model_dump_json(),
            )
        )
