"""`SchemaContract`, the node between SchemaGen and ExampleValidator."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.schema_contract.executor import Executor
from rankbeam.components.schema_contract.spec import SchemaContractOptions


class SchemaContractNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `SchemaContract`."""

    PARAMETERS: ClassVar = {"options": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {"given_schema": ChannelParameter(type=standard_artifacts.Schema)}
    OUTPUTS: ClassVar = {"schema": ChannelParameter(type=standard_artifacts.Schema)}


class SchemaContract(base_component.BaseComponent):
    """Tightens an inferred or curated schema by what the config promises.

    Outputs: `schema`, a Schema artifact without fixed shapes, with the environments TRAINING and
    SERVING (labels are not in SERVING).

    Args:
        schema: Schema artifact of SchemaGen (without shapes) or ImportSchemaGen.
        options: What the config promises.
    """

    SPEC_CLASS = SchemaContractNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema: BaseChannel, options: SchemaContractOptions) -> None:
        super().__init__(
            SchemaContractNodeSpec(
                given_schema=schema,
                schema=Channel(type=standard_artifacts.Schema),
                options=options.model_dump_json(),
            )
        )
