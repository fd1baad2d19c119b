"""The executor of `Pusher`: asks every gate, publishes, describes what was pushed."""

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from rankbeam.components.pusher import artifacts
from rankbeam.components.pusher.logic import BLESSED, NOT_REQUIRED, pass_gate
from rankbeam.components.pusher.publish import publish
from rankbeam.components.pusher.publish_remote import publish_remote
from rankbeam.components.pusher.spec import PushOptions
from rankbeam.components.remote.files import is_remote
from rankbeam.components.serving_checks.model_digest import model_digest
from rankbeam.serving.content import PushRecord
from rankbeam.serving.versions import SAVED_MODEL_FILE
from rankbeam.transform.errors import EnvironmentFault, GateError


class Executor(base_executor.BaseExecutor):
    """Publishes a model that every validator passed."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes, or raises.

        Args:
            input_dict: one `model`; at most one each of `model_blessing`, `infra_blessing` and
                `parity`.
            output_dict: `pushed_model`: one PushedModel artifact.
            exec_properties: `options`: `PushOptions` as JSON; `destination`: absolute path or URI
                of the folder of versions.

        Raises:
            GateError: a required blessing or certificate is bad, missing or for other bytes, or
                the version is taken.
            EnvironmentFault: the destination cannot be written.
        """
        options = PushOptions.model_validate_json(exec_properties["options"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        record = _pass_gates(options, input_dict, model.uri)
        infra = input_dict.get("infra_blessing") or []
        source = artifacts.model_path(model, infra, rehearsed=record.infra_blessing == BLESSED)
        certified = record.parity == BLESSED
        digest = artifacts.certified_digest(input_dict["parity"]) if certified else None
        destination, fill = exec_properties["destination"], _copying(source, digest)
        if is_remote(destination):
            published = publish_remote(destination, fill, record, options.push.version)
        else:
            published = publish(Path(destination), fill, record, options.push.version)
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        artifacts.describe_pushed(pushed, published)


def _pass_gates(
    options: PushOptions, inputs: dict[str, list[Artifact]], model_uri: str
) -> PushRecord:
    """Asks every gate; returns what to put on record."""
    spec = options.push
    evaluated = artifacts.model_blessing(inputs.get("model_blessing") or [])
    rehearsed = artifacts.infra_blessing(inputs.get("infra_blessing") or [])
    return PushRecord(
        model_name=options.model_name,
        version=0,
        digest="",
        pushed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        model_blessing=pass_gate("Evaluator", evaluated, spec.require_model_blessing, model_uri),
        infra_blessing=pass_gate(
            "InfraValidator", rehearsed, spec.require_infra_blessing, model_uri
        ),
        parity=_pass_parity(inputs.get("parity") or [], spec.require_parity, model_uri),
    )


def _pass_parity(certificates: list[Artifact], required: bool, model_uri: str) -> str:
    """What to put on record; where no certificate is required, none is looked at."""
    if not required:
        return NOT_REQUIRED
    return pass_gate("ParityCheck", artifacts.parity_blessing(certificates), True, model_uri)


def _copying(source: str, digest: str | None) -> Callable[[Path], None]:
    """Fills a version's folder, and holds what is there then against the certificate."""

    def copy(target: Path) -> None:
        try:
            io_utils.copy_dir(source, str(target))
        except tf.errors.OpError as error:
            raise EnvironmentFault(
                f"cannot write push.destination {target.parent}: copying {source}: {error.message}"
            ) from error
        if not (target / SAVED_MODEL_FILE).is_file():
            raise EnvironmentFault(f"model must hold a SavedModel; {source} holds none (any more)")
        found = model_digest(target) if digest is not None else None
        if found != digest:
            raise GateError(
                f"the ParityCheck's certificate must be for the model that is pushed, {found}; "
                f"got one for {digest} ({source})"
            )

    return copy
