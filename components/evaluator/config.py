"""From the evaluation spec to TFMA's EvalConfig."""

import json
from collections.abc import Sequence

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from rankbeam.components.evaluator.catalog import METRICS, Metric
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec, MetricGate

SIGNATURE = "serving_default"
# Pass these to the stock Evaluator as `module_path`; without them it is right, and slow.
EXTRACTORS_MODULE = "rankbeam.components.evaluator.extractors"
_METRICS_MODULE = "rankbeam.components.evaluator.metrics.score_metrics"


def build_eval_config(
    spec: EvaluationSpec, outputs: Sequence[EvaluatedOutput]
) -> config_pb2.EvalConfig:
    """The EvalConfig of the stock Evaluator.

    An output with `given_label` is weighted by that label, so that only rows where the condition
    happened count. Every output is gated on having at least one row to be measured on: TFMA would
    otherwise neither bless nor reject a model whose gates all compare with a baseline that does
    not exist yet, and an output that nothing measures must not pass.

    Args:
        spec: The config's `evaluation` section, free of findings of `checks.check_evaluation`.
        outputs: What the model answers, with the labels to compare.
    """
    model = config_pb2.ModelSpec(
        # Named, because TFMA otherwise finds it out by loading the model as a Keras one first.
        model_type=constants.TF_GENERIC,
        signature_name=SIGNATURE,
        label_keys={output.name: output.label for output in outputs},
        example_weight_keys={
            output.name: output.given_label for output in outputs if output.given_label is not None
        },
    )
    config = config_pb2.EvalConfig(
        model_specs=[model],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=columns) for columns in spec.slices),
        ],
        metrics_specs=[_metrics_spec(spec, output.name) for output in outputs],
    )
    config.options.include_default_metrics.value = False
    return config


def _metrics_spec(spec: EvaluationSpec, output: str) -> config_pb2.MetricsSpec:
    own = [gate for gate in spec.gates if gate.output == output]
    counted = MetricGate(output=output, metric="example_count", min=1)
    names = dict.fromkeys([*spec.metrics, *(gate.metric for gate in own), counted.metric])
    metrics = [_metric(name, spec, [*own, counted]) for name in names]
    if spec.calibration_plot:
        metrics.append(
            config_pb2.MetricConfig(
                module=_METRICS_MODULE,
                class_name="ReliabilityPlot",
                config=json.dumps({"min_slice_rows": spec.min_slice_rows}),
            )
        )
    return config_pb2.MetricsSpec(output_names=[output], metrics=metrics)


def _metric(
    name: Metric, spec: EvaluationSpec, gates: Sequence[MetricGate]
) -> config_pb2.MetricConfig:
    # `threshold` would hold in every slice; `per_slice_thresholds` holds where the gate says.
    return config_pb2.MetricConfig(
        module=_METRICS_MODULE,
        class_name="ScoreMetric",
        config=json.dumps({"name": name, "min_slice_rows": spec.min_slice_rows}),
        per_slice_thresholds=[
            config_pb2.PerSliceMetricThreshold(
                slicing_specs=[_slicing_spec(gate)], threshold=_threshold(gate)
            )
            for gate in gates
            if gate.metric == name
        ],
    )


def _slicing_spec(gate: MetricGate) -> config_pb2.SlicingSpec:
    values = {column: str(value) for column, value in gate.slice.items()}
    return config_pb2.SlicingSpec(feature_values=values)


def _threshold(gate: MetricGate) -> config_pb2.MetricThreshold:
    threshold = config_pb2.MetricThreshold()
    if gate.min is not None:
        threshold.value_threshold.lower_bound.value = gate.min
    if gate.max is not None:
        threshold.value_threshold.upper_bound.value = gate.max
    higher = METRICS[gate.metric].better == "higher"
    sign = -1 if higher else 1
    if gate.max_worse is not None:
        threshold.change_threshold.absolute.value = sign * gate.max_worse
    if gate.max_worse_relative is not None:
        threshold.change_threshold.relative.value = sign * gate.max_worse_relative
    if threshold.HasField("change_threshold"):
        threshold.change_threshold.direction = (
            config_pb2.MetricDirection.HIGHER_IS_BETTER
            if higher
            else config_pb2.MetricDirection.LOWER_IS_BETTER
        )
    return threshold
