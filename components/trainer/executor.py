"""The stock Trainer's executor, told the largest number of steps apart."""

from typing import Any

from tfx.components.trainer import executor
from tfx.proto import trainer_pb2
from tfx.types import Artifact
from tfx.types.standard_component_specs import TRAIN_ARGS_KEY
from tfx.utils import proto_utils

from rankbeam.transform.errors import ConfigError


class Executor(executor.GenericExecutor):
    """Trains as the stock executor does, for at most `max_steps` steps."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains.

        A parameter of a compiled pipeline is one number or text: TFX's own `train_args` is a
        message, which nobody would want to write when starting a run.

        Args:
            input_dict: The stock inputs.
            output_dict: The stock outputs.
            exec_properties: The stock properties, and `max_steps`; 0 for as many as the epochs
                have.

        Raises:
            ConfigError: `max_steps` is negative.
        """
        max_steps = int(exec_properties["max_steps"])
        if max_steps < 0:
            raise ConfigError(f"training_steps must be >= 0; got {max_steps}")
        arguments = trainer_pb2.TrainArgs()
        proto_utils.json_to_proto(exec_properties[TRAIN_ARGS_KEY], arguments)
        arguments.num_steps = max_steps
        properties = {**exec_properties, TRAIN_ARGS_KEY: proto_utils.proto_to_json(arguments)}
        super().Do(input_dict, output_dict, properties)
