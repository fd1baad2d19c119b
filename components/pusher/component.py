"""`Pusher`, the last node: nothing gets past it without both blessings and the certificate."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from rankbeam.components.pusher.executor import Executor
from rankbeam.components.pusher.spec import PushOptions, PushSpec
from rankbeam.transform.errors import ConfigError


class PusherNodeSpec(ComponentSpec):
    """Inputs, outputs and parameters of `Pusher`."""

    PARAMETERS: ClassVar = {
        "options": ExecutionParameter(type=str),
        "destination": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        "parity": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS: ClassVar = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Pusher(base_component.BaseComponent):
    """Publishes a blessed model as a version of a folder, atomically and by content.

    Outputs: `pushed_model`, a PushedModel artifact with the push record and TFX's properties
    `pushed`, `pushed_destination` and `pushed_version`. The model itself is at the destination.

    Args:
        model: The exported model.
        model_blessing: Of the Evaluator.
        infra_blessing: Of the InfraValidator; the push takes the model from it, with warm-up.
        parity: Certificate of the ParityCheck, for the bytes that are pushed.
        spec: What is required, and the version.
        destination: Absolute path of the folder of versions.
        model_name: Name that clients ask for.

    Raises:
        ConfigError: A blessing or the certificate is required and not wired.
    """

    SPEC_CLASS = PusherNodeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: BaseChannel,
        model_blessing: BaseChannel | None = None,
        infra_blessing: BaseChannel | None = None,
        parity: BaseChannel | None = None,
        *,
        spec: PushSpec,
        destination: str | RuntimeParameter,
        model_name: str,
    ) -> None:
        _check_wired("model_blessing", model_blessing, spec.require_model_blessing)
        _check_wired("infra_blessing", infra_blessing, spec.require_infra_blessing)
        _check_wired("parity", parity, spec.require_parity)
        options = PushOptions(push=spec, model_name=model_name)
        super().__init__(
            PusherNodeSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                parity=parity,
                pushed_model=Channel(type=standard_artifacts.PushedModel),
                options=options.model_dump_json(),
                destination=destination,
            )
        )


def _check_wired(name: str, channel: BaseChannel | None, required: bool) -> None:
    if required and channel is None:
        raise ConfigError(
            f"Pusher must get {name} unless push.require_{name} is false; got neither"
        )
