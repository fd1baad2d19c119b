"""The real Evaluator executor on known predictions: metrics, slices, gates and verdicts."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tfx.types import standard_artifacts

from rankbeam.components.baseline.note import write_note
from rankbeam.components.evaluator.catalog import Metric
from rankbeam.components.evaluator.evaluation import Evaluation
from rankbeam.components.evaluator.slices import SliceKey
from rankbeam.components.evaluator.spec import EvaluationSpec, MetricGate
from tests.components.evaluator.evaluator_run import (
    ROWS,
    arrays,
    rows_of,
    run_evaluator,
    write_model,
)
from tests.reference import binary_metrics as reference

SLICES = (("device",), ("age",), ("country", "device"))
# Predictions are float32 in the model and float64 here: the product of two differs by rounding.
FLOAT32 = 1e-5


@pytest.fixture(scope="module")
def first_run(
    tmp_path_factory: pytest.TempPathFactory,
    examples: standard_artifacts.Examples,
    model: standard_artifacts.Model,
) -> tuple[Evaluation, tfma.EvalResult]:
    """Without a baseline; its only gates hold, or compare with what does not exist yet."""
    gates = (
        MetricGate(output="click", metric="auc", min=0.5, slice={"device": "mobile"}),
        MetricGate(output="ctcvr", metric="log_loss", max_worse=0.0),
    )
    spec = EvaluationSpec(slices=SLICES, gates=gates)
    run = run_evaluator(tmp_path_factory.mktemp("first"), examples, spec, model)
    return run.read(), tfma.load_eval_result(run.evaluation.uri)


@pytest.mark.parametrize("output", ["click", "conversion", "ctcvr"])
@pytest.mark.parametrize(
    ("metric", "oracle"),
    [
        ("auc", reference.auc),
        ("pr_auc", reference.average_precision),
        ("log_loss", reference.log_loss),
        ("normalized_entropy", reference.normalized_entropy),
        ("calibration", reference.calibration),
        ("ece", reference.ece),
    ],
)
def test_evaluator_metrics_of_every_slice_equal_the_oracles(
    first_run: tuple[Evaluation, tfma.EvalResult],
    output: str,
    metric: Metric,
    oracle: Callable[..., float],
) -> None:
    (found,) = (each for each in first_run[0].outputs if each.name == output)
    # All rows, two devices, two ages, four crosses; a row without a device is in no device's.
    assert len(found.slices) == 1 + 2 + 2 + 4
    for part in found.slices:
        if ("age", 30) in part.key and metric != "log_loss":
            continue  # nobody clicks: undefined, or nothing but a mean of predictions
        rows = arrays(output, rows_of(part.key))
        assert part.metrics["example_count"] == len(rows[0])
        if len(rows[0]):
            assert part.metrics[metric] == pytest.approx(oracle(*rows), rel=FLOAT32)
        else:
            assert math.isnan(part.metrics[metric])


def test_evaluator_measures_conversion_on_clicked_rows_only(
    first_run: tuple[Evaluation, tfma.EvalResult],
) -> None:
    counts = {
        output.name: output.overall.metrics["example_count"]
        for output in first_run[0].outputs
        if output.overall is not None
    }
    clicks = sum(int(str(row["click"])) for row in ROWS)
    assert counts == {"click": len(ROWS), "conversion": clicks, "ctcvr": len(ROWS)}


def test_evaluator_plots_every_row_of_the_candidate(
    first_run: tuple[Evaluation, tfma.EvalResult],
) -> None:
    for output in first_run[0].outputs:
        assert output.overall is not None
        labels, predictions, weights = arrays(output.name, ROWS)
        points = output.overall.calibration
        assert len(points) == 20
        assert sum(point.weight for point in points) == weights.sum()
        assert sum(point.weight * point.rate for point in points) == pytest.approx(labels.sum())
        mean = sum(point.weight * point.prediction for point in points) / weights.sum()
        assert mean == pytest.approx(predictions.mean(), rel=FLOAT32)


def test_evaluator_blesses_where_gates_hold_and_no_baseline_exists(
    first_run: tuple[Evaluation, tfma.EvalResult],
) -> None:
    evaluation = first_run[0]
    assert evaluation.blessed
    assert not evaluation.failures
    assert not evaluation.has_baseline


def test_evaluator_results_are_tfma_results(
    first_run: tuple[Evaluation, tfma.EvalResult],
) -> None:
    result = first_run[1]
    metrics = result.get_metrics_for_slice((("device", "mobile"),), output_name="ctcvr")
    assert set(metrics) == {
        "auc",
        "pr_auc",
        "log_loss",
        "normalized_entropy",
        "calibration",
        "ece",
        "example_count",
    }
    plots = dict(result.plots)[(("device", "mobile"),)]
    assert "calibrationHistogramBuckets" in plots["click"][""]


def test_evaluator_rejects_with_one_sentence_per_broken_gate(
    tmp_path: Path, examples: standard_artifacts.Examples, model: standard_artifacts.Model
) -> None:
    worse = write_model(tmp_path / "worse", click_power=-1)
    gates = (
        MetricGate(output="click", metric="auc", min=0.6),
        MetricGate(output="click", metric="auc", min=0.99, slice={"device": "mobile"}),
        MetricGate(output="click", metric="auc", min=0.5, slice={"device": "watch"}),
        MetricGate(output="click", metric="auc", min=0.0, slice={"age": 30}),
        MetricGate(output="click", metric="auc", max_worse=0.01, max_worse_relative=0.02),
        MetricGate(
            output="click",
            metric="log_loss",
            max_worse=0.01,
            slice={"device": "desktop", "country": "de"},
        ),
        MetricGate(output="conversion", metric="auc", max_worse=0.0),
        MetricGate(output="ctcvr", metric="calibration", max=0.5),
    )
    spec = EvaluationSpec(slices=SLICES, gates=gates)
    run = run_evaluator(tmp_path / "run", examples, spec, worse, baseline=model)
    evaluation = run.read()
    assert not evaluation.blessed
    assert evaluation.has_baseline

    def of(oracle: Callable[..., float], key: SliceKey, *, backwards: bool) -> str:
        labels, predictions, weights = arrays("click", rows_of(key))
        return f"{oracle(labels, 1 - predictions if backwards else predictions, weights):.4g}"

    auc, loss = reference.auc, reference.log_loss
    cross = (("country", "de"), ("device", "desktop"))
    # The worse model answers 1 - p_click for click, hence less p_conversion for ctcvr.
    labels, predictions, _ = arrays("ctcvr", ROWS)
    conversion = np.array([row["p_conversion"] for row in ROWS], np.float64)
    calibration = (conversion - predictions).sum() / labels.sum()
    blessed, got = of(auc, (), backwards=False), of(auc, (), backwards=True)
    assert sorted(evaluation.failures) == sorted(
        [
            f"click auc must be >= 0.6; got {got}",
            "click auc in device=mobile must be >= 0.99; "
            f"got {of(auc, (('device', 'mobile'),), backwards=True)}",
            "device=watch must have rows in the eval split for its gates; got none",
            "click auc in age=30 must be >= 0; got no value (one class only, too few rows, or "
            "predictions that are no probabilities)",
            f"click auc must be at most 0.01 below the last blessed model's {blessed}; got {got}",
            f"click auc must be at most 2 % below the last blessed model's {blessed}; got {got}",
            "click log_loss in country=de, device=desktop must be at most 0.01 above the last "
            f"blessed model's {of(loss, cross, backwards=False)}; "
            f"got {of(loss, cross, backwards=True)}",
            f"ctcvr calibration must be <= 0.5; got {calibration:.4g}",
        ]
    )


@pytest.mark.slow
def test_evaluator_evaluates_alone_where_the_baseline_found_no_model(
    tmp_path: Path, examples: standard_artifacts.Examples, model: standard_artifacts.Model
) -> None:
    absent = standard_artifacts.Model()
    absent.uri = str(tmp_path / "absent")
    write_note(absent.uri, None)
    spec = EvaluationSpec(gates=(MetricGate(output="click", metric="auc", max_worse=0.0),))
    evaluation = run_evaluator(tmp_path / "run", examples, spec, model, baseline=absent).read()
    assert evaluation.blessed
    assert not evaluation.has_baseline


@pytest.mark.slow
def test_evaluator_compares_an_output_that_the_baseline_lacks_with_nothing(
    tmp_path: Path, examples: standard_artifacts.Examples, model: standard_artifacts.Model
) -> None:
    older = write_model(tmp_path / "older", outputs=("click",))
    gates = tuple(
        MetricGate(output=output, metric="auc", max_worse=0.1) for output in ("click", "ctcvr")
    )
    spec = EvaluationSpec(gates=gates, min_slice_rows=10_000, slices=(("device",),))
    run = run_evaluator(tmp_path / "run", examples, spec, model, baseline=older)
    evaluation = run.read()
    (failure,) = evaluation.failures
    assert failure.startswith(
        "ctcvr auc must be at most 0.1 below the last blessed model's no value"
    )
    # All rows are measured whatever their number; slices under the minimum have a count alone.
    for output in evaluation.outputs:
        for part in output.slices:
            undefined = {name for name, value in part.metrics.items() if math.isnan(value)}
            assert undefined == (set(part.metrics) - {"example_count"} if part.key else set())
            assert bool(part.calibration) == (not part.key)


@pytest.mark.slow
def test_evaluator_metrics_are_the_same_through_the_stock_extractors(
    tmp_path: Path,
    first_run: tuple[Evaluation, tfma.EvalResult],
    examples: standard_artifacts.Examples,
    model: standard_artifacts.Model,
) -> None:
    spec = EvaluationSpec(slices=SLICES)
    stock = run_evaluator(tmp_path, examples, spec, model, module_path=None).read()
    for ours, theirs in zip(first_run[0].outputs, stock.outputs, strict=True):
        assert [part.key for part in ours.slices] == [part.key for part in theirs.slices]
        for part, other in zip(ours.slices, theirs.slices, strict=True):
            assert part.metrics == pytest.approx(other.metrics, rel=FLOAT32, nan_ok=True)
