"""`DataGate`, the node before Transform."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.data_gate.executor import Executor
from rankbeam.components.data_gate.spec import DataGateOptions


class DataGateNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `DataGate`."""

    PARAMETERS: ClassVar = {"options": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    # A standard type: Kubeflow's runtime imports the classes of custom ones by a path that its
    # own compiler does not let them have.
    OUTPUTS: ClassVar = {"verdict": ChannelParameter(type=standard_artifacts.ExampleAnomalies)}


class DataGate(base_component.BaseComponent):
    """Stops the run on schema anomalies, broken funnels and labels that are no outcomes.

    Outputs: `verdict`, an ExampleAnomalies artifact that holds `report.json` (see
    `rankbeam.components.data_gate.report`); it exists only where every check passed.

    Args:
        examples: Examples with the splits train and eval.
        statistics: Of StatisticsGen, for both splits.
        schema: Of SchemaContract.
        anomalies: Of ExampleValidator, for both splits.
        options: What to check.
    """

    SPEC_CLASS = DataGateNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        statistics: BaseChannel,
        schema: BaseChannel,
        anomalies: BaseChannel,
        options: DataGateOptions,
    ) -> None:
        super().__init__(
            DataGateNodeSpec(
                examples=examples,
                statistics=statistics,
                schema=schema,
                anomalies=anomalies,
                verdict=Channel(type=standard_artifacts.ExampleAnomalies),
                options=options.model_dump_json(),
            )
        )
