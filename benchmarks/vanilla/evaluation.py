"""TFMA's own metrics for the config's evaluation: the same outputs, weights, slices and gates."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec, MetricGate

STOCK_METRICS = {
    "auc": "AUC",
    "pr_auc": "AUCPrecisionRecall",
    "log_loss": "BinaryCrossEntropy",
    "calibration": "Calibration",
    "example_count": "ExampleCount",
}
"""Rankbeam's metrics to TFMA's; normalized entropy and ECE have no counterpart there."""


def build_eval_config(
    spec: EvaluationSpec, outputs: Sequence[EvaluatedOutput]
) -> config_pb2.EvalConfig:
    """The EvalConfig that a user of TFMA would write for `spec`.

    Raises:
        ValueError: A gate is on a metric that TFMA lacks.
    """
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                label_keys={one.name: one.label for one in outputs},
                example_weight_keys={
                    one.name: one.given_label for one in outputs if one.given_label is not None
                },
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=columns) for columns in spec.slices),
        ],
        metrics_specs=[_metrics_spec(spec, one.name) for one in outputs],
    )


def _metrics_spec(spec: EvaluationSpec, output: str) -> config_pb2.MetricsSpec:
    gates = [gate for gate in spec.gates if gate.output == output]
    for gate in gates:
        if gate.metric not in STOCK_METRICS:
            raise ValueError(f"a gate must be on {', '.join(STOCK_METRICS)}; got {gate.metric}")
    metrics = [
        config_pb2.MetricConfig(
            class_name=class_name,
            per_slice_thresholds=[_threshold(gate) for gate in gates if gate.metric == name],
        )
        for name, class_name in STOCK_METRICS.items()
        if name in spec.metrics
    ]
    if spec.calibration_plot:
        metrics.append(config_pb2.MetricConfig(class_name=tfma.metrics.CalibrationPlot.__name__))
    return config_pb2.MetricsSpec(output_names=[output], metrics=metrics)


def _threshold(gate: MetricGate) -> config_pb2.PerSliceMetricThreshold:
    threshold = config_pb2.MetricThreshold()
    if gate.min is not None:
        threshold.value_threshold.lower_bound.value = gate.min
    if gate.max is not None:
        threshold.value_threshold.upper_bound.value = gate.max
    higher = gate.metric in {"auc", "pr_auc"}
    direction = config_pb2.MetricDirection
    for kind, value in (("absolute", gate.max_worse), ("relative", gate.max_worse_relative)):
        if value is not None:
            change = threshold.change_threshold
            getattr(change, kind).value = -value if higher else value
            change.direction = direction.HIGHER_IS_BETTER if higher else direction.LOWER_IS_BETTER
    values = {column: str(value) for column, value in gate.slice.items()}
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec(feature_values=values)], threshold=threshold
    )
