"""`Trainer`: the stock node with one more parameter."""

import json
from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import trainer_pb2
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ExecutionParameter
from tfx.types.standard_component_specs import TrainerSpec

from rankbeam.components.trainer.executor import Executor
from rankbeam.transform.specs.options import CONFIG_KEY


class TrainerNodeSpec(TrainerSpec):
    """TFX's, and the largest number of steps."""

    PARAMETERS: ClassVar = {
        **TrainerSpec.PARAMETERS,
        "max_steps": ExecutionParameter(type=int),
    }


class Trainer(base_component.BaseComponent):
    """TFX's Trainer on transformed examples.

    Outputs: `model` and `model_run`, as TFX's.

    Args:
        examples: Transformed examples with the splits train and eval.
        transform_graph: What transformed them.
        schema: Of the examples before that.
        run_fn: Dotted name of the function that trains.
        options: What it is told, as JSON.
        max_steps: Largest number of optimizer steps; 0 for as many as the epochs have.
    """

    SPEC_CLASS = TrainerNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        schema: BaseChannel,
        *,
        run_fn: str,
        options: str,
        max_steps: int | RuntimeParameter,
    ) -> None:
        super().__init__(
            TrainerNodeSpec(
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                train_args=trainer_pb2.TrainArgs(splits=["train"]),
                eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
                run_fn=run_fn,
                custom_config=json.dumps({CONFIG_KEY: options}),
                max_steps=max_steps,
                model=Channel(type=standard_artifacts.Model),
                model_run=Channel(type=standard_artifacts.ModelRun),
            )
        )
