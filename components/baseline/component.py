"""`Baseline`, the node that hands the Evaluator the model to compare with."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.baseline.executor import Executor


class BaselineNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `Baseline`."""

    PARAMETERS: ClassVar = {"destination": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {"model": ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS: ClassVar = {"baseline": ChannelParameter(type=standard_artifacts.Model)}


class Baseline(base_component.BaseComponent):
    """Finds the last blessed model by what is pushed, without asking a metadata store.

    TFX's Resolver asks one, in a way that only Vertex answers once it is compiled. A pushed version
    has its record beside it, and is there for every runner alike.

    Outputs: `baseline`, a Model artifact with a copy of the version and the note
    `rankbeam.components.baseline.note`; the note alone where there is no such version.

    Args:
        model: The candidate, which is never its own baseline.
        destination: The folder that versions are pushed to.
    """

    SPEC_CLASS = BaselineNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, model: BaseChannel, destination: str | RuntimeParameter) -> None:
        super().__init__(
            BaselineNodeSpec(
                model=model,
                destination=destination,
                baseline=Channel(type=standard_artifacts.Model),
            )
        )
