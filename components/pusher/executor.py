"""The executor of `Pusher`: asks both gates, publishes, describes what was pushed."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from rankbeam.components.pusher import artifacts
from rankbeam.components.pusher.logic import BLESSED, pass_gate
from rankbeam.components.pusher.publish import publish
from rankbeam.components.pusher.spec import PushOptions
from rankbeam.serving.content import PushRecord
from rankbeam.serving.versions import SAVED_MODEL_FILE
from rankbeam.transform.errors import EnvironmentFault


class Executor(base_executor.BaseExecutor):
    """Publishes a model that both validators blessed."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes, or raises.

        Args:
            input_dict: one `model`; at most one each of `model_blessing`, `infra_blessing`.
            output_dict: `pushed_model`: one PushedModel artifact.
            exec_properties: `options`: `PushOptions` as JSON.

        Raises:
            GateError: a required blessing is bad or missing, or the version is taken.
            EnvironmentFault: the destination cannot be written.
        """
        options = PushOptions.model_validate_json(exec_properties["options"])
        spec = options.push
        model = artifact_utils.get_single_instance(input_dict["model"])
        infra = input_dict.get("infra_blessing") or []
        evaluated = artifacts.model_blessing(input_dict.get("model_blessing") or [])
        rehearsed = artifacts.infra_blessing(infra)
        record = PushRecord(
            model_name=options.model_name,
            version=0,
            digest="",
            pushed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            model_blessing=pass_gate(
                "Evaluator", evaluated, spec.require_model_blessing, model.uri
            ),
            infra_blessing=pass_gate(
                "InfraValidator", rehearsed, spec.require_infra_blessing, model.uri
            ),
        )
        source = artifacts.model_path(model, infra, rehearsed=record.infra_blessing == BLESSED)
        published = publish(Path(options.destination), _copying(source), record, spec.version)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        artifacts.describe_pushed(pushed, published)


def _copying(source: str) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        try:
            io_utils.copy_dir(source, str(target))
        except tf.errors.OpError as error:
            raise EnvironmentFault(
                f"cannot write push.destination {target.parent}: copying {source}: {error.message}"
            ) from error
        if not (target / SAVED_MODEL_FILE).is_file():
            raise EnvironmentFault(f"model must hold a SavedModel; {source} holds none (any more)")

    return copy
