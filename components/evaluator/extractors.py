"""From batches of tf.Examples straight to batches per slice, for the stock Evaluator.

The stock extractors split every batch into rows, and each row into slices; all that follows is one
Python call per row and slice. This one reads labels and slice columns from Arrow, predicts a batch
in one call and hands TFMA one extract per (batch, slice) whose values are arrays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants

from rankbeam.components.evaluator.arrow_columns import label_column, slice_column
from rankbeam.components.evaluator.metrics.summary import Floats
from rankbeam.components.evaluator.slices import group_rows
from rankbeam.transform.errors import DataError, GateError


def custom_extractors(
    eval_shared_model: Any,
    eval_config: Any,
    tensor_adapter_config: Any,
) -> list[Any]:
    """The extractors of the stock Evaluator's `module_path` hook.

    Args:
        eval_shared_model: The model, or the candidate and the baseline.
        eval_config: An EvalConfig as `config.build_eval_config` makes it.
        tensor_adapter_config: Not needed: columns are read from Arrow.
    """
    models = eval_shared_model if isinstance(eval_shared_model, list) else [eval_shared_model]
    loaders = {model.model_name: model.model_loader for model in models}
    transform = beam.ParDo(_SliceScores(_plan(eval_config), loaders))
    # The evaluator looks for the stage of this name to start after.
    name = tfma.extractors.SLICE_KEY_EXTRACTOR_STAGE_NAME
    return [tfma.extractors.Extractor(stage_name=name, ptransform=transform)]


@dataclass(frozen=True)
class _Plan:
    """What to read and compare, the same for every model.

    Attributes:
        signature: The signature that takes serialized tf.Examples.
        labels: Output name to label column.
        weights: Output name to the column that weighs its rows, where there is one.
        crosses: Column lists to slice by.
    """

    signature: str
    labels: Mapping[str, str]
    weights: Mapping[str, str]
    crosses: Sequence[tuple[str, ...]]


def _plan(eval_config: Any) -> _Plan:
    model_spec = eval_config.model_specs[0]
    return _Plan(
        signature=model_spec.signature_name,
        labels=dict(model_spec.label_keys),
        weights=dict(model_spec.example_weight_keys),
        crosses=[tuple(spec.feature_keys) for spec in eval_config.slicing_specs],
    )


@beam.typehints.with_input_types(tfma.Extracts)
@beam.typehints.with_output_types(tfma.Extracts)
class _SliceScores(tfma.utils.DoFnWithModels):
    """Yields, per slice of a batch, the labels, predictions and weights of its rows.

    Raises:
        DataError: A label is missing or no outcome, or the candidate lacks an output.
    """

    def __init__(self, plan: _Plan, loaders: Mapping[str, Any]) -> None:
        super().__init__(dict(loaders))
        self._plan = plan

    def process(self, elem: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        batch = elem[constants.ARROW_RECORD_BATCH_KEY]
        if not batch.num_rows:
            return
        plan = self._plan
        columns = {name: label_column(batch, name) for name in _used(plan.labels, plan.weights)}
        labels = {output: columns[name] for output, name in plan.labels.items()}
        weights = {output: columns[name] for output, name in plan.weights.items()}
        predictions = self._predict(batch)
        sliced = {name: slice_column(batch, name) for cross in plan.crosses for name in cross}
        for key, rows in group_rows(sliced, plan.crosses, batch.num_rows):
            # An array of one tuple: numpy would otherwise unfold the tuple.
            keys = np.empty(1, object)
            keys[0] = key
            yield {
                constants.SLICE_KEY_TYPES_KEY: keys,
                constants.LABELS_KEY: _take(labels, rows),
                constants.EXAMPLE_WEIGHTS_KEY: _take(weights, rows),
                constants.PREDICTIONS_KEY: _take(predictions, rows),
            }

    def _predict(self, batch: Any) -> dict[str, Any]:
        serialized = batch.column(batch.schema.get_field_index(constants.ARROW_INPUT_COLUMN))
        examples = tf.constant(serialized.flatten().to_pylist(), tf.string)
        outputs = {name: self._answer(name, examples) for name in self._loaded_models}
        # Where there is one model, TFMA expects its outputs without the model's name above them.
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def _answer(self, model_name: str, examples: tf.Tensor) -> dict[str, Floats]:
        signature = self._loaded_models[model_name].signatures[self._plan.signature]
        (argument,) = signature.structured_input_signature[1]
        try:
            answered = signature(**{argument: examples})
        except tf.errors.InvalidArgumentError as error:
            if model_name != constants.BASELINE_KEY:
                raise
            raise GateError(
                "the last blessed model must be able to read today's examples to be compared "
                "with; it cannot (a column has changed its type?): remove that version from "
                f"push.destination, or push to another folder: {error.message}"
            ) from error
        answer = {name: value.numpy().reshape(-1) for name, value in answered.items()}
        missing = [output for output in self._plan.labels if output not in answer]
        # An older baseline may lack an output: its metrics are then undefined, and so is every
        # comparison with it.
        if missing and model_name != constants.BASELINE_KEY:
            known = ", ".join(sorted(answer))
            raise DataError(f"the model must answer the output {missing[0]}; it answers {known}")
        return answer


def _used(labels: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys([*labels.values(), *weights.values()]))


def _take(values: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    return {
        name: _take(value, rows) if isinstance(value, Mapping) else value[rows]
        for name, value in values.items()
    }
