"""The executor of `InfraValidator`: stages the model, rehearses, writes the blessing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from rankbeam.components.infra_validator.blessing import write_blessing
from rankbeam.components.infra_validator.logic import Verdict, judge
from rankbeam.components.infra_validator.rehearsal import Rehearsal, rehearse
from rankbeam.components.infra_validator.spec import InfraValidationSpec
from rankbeam.components.serving_checks.examples import read_examples
from rankbeam.components.serving_checks.staging import staged_version
from rankbeam.serving.errors import ModelNotServable


class Executor(base_executor.BaseExecutor):
    """Blesses a model that a real server serves with the model's own answers."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the blessing, good or bad.

        Args:
            input_dict: one artifact each of `model` and `examples`.
            output_dict: `blessing`: one InfraBlessing artifact.
            exec_properties: `options`: `InfraValidationSpec` as JSON.

        Raises:
            EnvironmentFault: the machine prevents a verdict: the server cannot be started, ends,
                or is too slow, or there is no room for a copy of the model.
            ConfigError: the examples have no such split.
            DataError: the split holds no tf.Examples.
        """
        spec = InfraValidationSpec.model_validate_json(exec_properties["options"])
        model, examples, blessing = (
            artifact_utils.get_single_instance(artifacts)
            for artifacts in (
                input_dict["model"],
                input_dict["examples"],
                output_dict["blessing"],
            )
        )
        rows = read_examples(examples, spec.split, spec.num_examples)
        with staged_version(path_utils.serving_model_path(model.uri)) as version:
            verdict, rehearsal = _verdict(version, rows, spec)
            write_blessing(blessing, model.uri, verdict, rehearsal, version)


def _verdict(
    version: Path, rows: Sequence[bytes], spec: InfraValidationSpec
) -> tuple[Verdict, Rehearsal | None]:
    try:
        rehearsal = rehearse(version, rows, spec)
    except ModelNotServable as error:
        return Verdict(blessed=False, reason=str(error), max_abs_difference={}), None
    verdict = judge(
        rehearsal.in_process,
        rehearsal.served,
        num_rows=2 * rehearsal.num_examples,
        max_abs_difference=spec.max_abs_difference,
    )
    return verdict, rehearsal
