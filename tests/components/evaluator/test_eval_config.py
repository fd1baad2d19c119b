"""From the spec to TFMA's EvalConfig."""

import json

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from rankbeam.components.evaluator.config import build_eval_config
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec, MetricGate

OUTPUTS = (
    EvaluatedOutput(name="click", label="clicked"),
    EvaluatedOutput(name="conversion", label="bought", given_label="clicked"),
)


def metric(config: config_pb2.EvalConfig, output: str, name: str) -> config_pb2.MetricConfig:
    (spec,) = (spec for spec in config.metrics_specs if list(spec.output_names) == [output])
    (found,) = (each for each in spec.metrics if json.loads(each.config).get("name") == name)
    return found


def test_eval_config_compares_each_output_with_its_label_on_its_rows() -> None:
    (model,) = build_eval_config(EvaluationSpec(), OUTPUTS).model_specs
    assert dict(model.label_keys) == {"click": "clicked", "conversion": "bought"}
    assert dict(model.example_weight_keys) == {"conversion": "clicked"}
    assert model.signature_name == "serving_default"


def test_eval_config_slices_by_columns_and_always_has_all_rows() -> None:
    config = build_eval_config(EvaluationSpec(slices=(("a",), ("a", "b"))), OUTPUTS)
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["a"], ["a", "b"]]


def test_eval_config_gates_the_slice_and_not_every_slice() -> None:
    gate = MetricGate(
        output="click", metric="auc", min=0.6, max_worse=0.01, slice={"a": "x", "b": 3}
    )
    config = build_eval_config(EvaluationSpec(slices=(("a", "b"),), gates=(gate,)), OUTPUTS)
    made = metric(config, "click", "auc")
    assert not made.HasField("threshold")
    (threshold,) = made.per_slice_thresholds
    assert [dict(spec.feature_values) for spec in threshold.slicing_specs] == [{"a": "x", "b": "3"}]
    assert threshold.threshold.value_threshold.lower_bound.value == 0.6
    assert not threshold.threshold.value_threshold.HasField("upper_bound")
    assert not metric(config, "conversion", "auc").per_slice_thresholds


def test_eval_config_changes_for_the_worse_follow_the_direction_of_the_metric() -> None:
    gates = (
        MetricGate(output="click", metric="auc", max_worse=0.01),
        MetricGate(output="click", metric="log_loss", max_worse_relative=0.02),
    )
    config = build_eval_config(EvaluationSpec(gates=gates), OUTPUTS)
    auc = metric(config, "click", "auc").per_slice_thresholds[0].threshold.change_threshold
    assert auc.absolute.value == -0.01
    assert auc.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
    assert not auc.HasField("relative")
    loss = metric(config, "click", "log_loss").per_slice_thresholds[0].threshold.change_threshold
    assert loss.relative.value == 0.02
    assert loss.direction == config_pb2.MetricDirection.LOWER_IS_BETTER


def test_eval_config_requires_a_row_of_every_output_even_without_gates() -> None:
    config = build_eval_config(EvaluationSpec(metrics=("auc",)), OUTPUTS)
    for output in OUTPUTS:
        (threshold,) = metric(config, output.name, "example_count").per_slice_thresholds
        assert threshold.threshold.value_threshold.lower_bound.value == 1
        assert [spec.ByteSize() for spec in threshold.slicing_specs] == [0]


def test_eval_config_measures_what_is_gated_though_not_listed() -> None:
    gate = MetricGate(output="click", metric="ece", max=0.1)
    config = build_eval_config(EvaluationSpec(metrics=("auc",), gates=(gate,)), OUTPUTS)
    assert metric(config, "click", "ece").per_slice_thresholds


def test_eval_config_draws_the_plot_only_where_asked() -> None:
    def classes(spec: EvaluationSpec) -> set[str]:
        config = build_eval_config(spec, OUTPUTS)
        return {m.class_name for metrics in config.metrics_specs for m in metrics.metrics}

    assert classes(EvaluationSpec()) == {"ScoreMetric", "ReliabilityPlot"}
    assert classes(EvaluationSpec(calibration_plot=False)) == {"ScoreMetric"}


def test_eval_config_is_one_that_tfma_accepts() -> None:
    gates = (MetricGate(output="click", metric="auc", min=0.5, max_worse=0.1, slice={"a": "x"}),)
    config = build_eval_config(EvaluationSpec(slices=(("a",),), gates=gates), OUTPUTS)
    for has_baseline in (False, True):
        filled = tfma.utils.update_eval_config_with_defaults(
            config, has_baseline=has_baseline, rubber_stamp=True
        )
        tfma.utils.verify_eval_config(filled)
        thresholds = tfma.metrics.metric_thresholds_from_metrics_specs(
            filled.metrics_specs, eval_config=filled
        )
        # One of the candidate and, never checked, one of the baseline.
        assert sum(key.is_diff for key in thresholds) == (2 if has_baseline else 0)
