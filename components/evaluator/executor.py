"""The stock Evaluator's executor, for a baseline that may hold no model."""

from typing import Any

from tfx.components.evaluator import executor
from tfx.types import Artifact, artifact_utils
from tfx.types.standard_component_specs import BASELINE_MODEL_KEY

from rankbeam.components.baseline.note import is_absent


class Executor(executor.Executor):
    """Evaluates alone where the Baseline found nothing to compare with."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """As the stock one, without a baseline that holds no model.

        A node's output is always one artifact, where a Resolver could answer with none.

        Args:
            input_dict: The stock inputs; of `baseline_model`, at most one.
            output_dict: The stock outputs.
            exec_properties: The stock properties.
        """
        inputs = dict(input_dict)
        baseline = inputs.pop(BASELINE_MODEL_KEY, [])
        if baseline and not is_absent(artifact_utils.get_single_uri(baseline)):
            inputs[BASELINE_MODEL_KEY] = baseline
        super().Do(inputs, output_dict, exec_properties)
