"""The real Evaluator executor where there is little or nothing to measure."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec
from rankbeam.transform.errors import DataError
from tests.components.evaluator.evaluator_run import (
    ROWS,
    arrays,
    run_evaluator,
    write_examples,
    write_model,
    write_schema,
)
from tests.components.tf_examples import Row
from tests.reference import binary_metrics as reference


@pytest.mark.slow
def test_evaluator_measures_a_model_with_one_output_by_a_schema(
    tmp_path: Path, examples: standard_artifacts.Examples
) -> None:
    alone = write_model(tmp_path / "alone", outputs=())
    outputs = (EvaluatedOutput(name="conversion", label="conversion", given_label="click"),)
    spec = EvaluationSpec(metrics=("auc",), slices=(("device",),))
    schema = write_schema(
        tmp_path / "schema", {"click": "INT", "conversion": "INT", "device": "BYTES"}
    )
    run = run_evaluator(tmp_path / "run", examples, spec, alone, outputs=outputs, schema=schema)
    (output,) = run.read().outputs
    assert output.overall is not None
    assert output.overall.metrics["auc"] == pytest.approx(
        reference.auc(*arrays("conversion", ROWS))
    )


def test_evaluator_does_not_bless_on_an_empty_split(
    tmp_path: Path, model: standard_artifacts.Model
) -> None:
    examples = write_examples([], tmp_path / "examples")
    evaluation = run_evaluator(tmp_path / "run", examples, EvaluationSpec(), model).read()
    assert not evaluation.blessed
    assert evaluation.failures == ("the eval split must have rows; got none",)


@pytest.mark.slow
def test_evaluator_does_not_bless_an_output_that_no_row_measures(
    tmp_path: Path, model: standard_artifacts.Model
) -> None:
    rows: list[Row] = [{**row, "click": 0, "conversion": 0} for row in ROWS[:50]]
    examples = write_examples(rows, tmp_path / "examples")
    evaluation = run_evaluator(tmp_path / "run", examples, EvaluationSpec(), model).read()
    assert evaluation.failures == ("conversion example_count must be >= 1; got 0",)


@pytest.mark.slow
def test_evaluator_refuses_labels_that_are_no_outcome(
    tmp_path: Path, model: standard_artifacts.Model
) -> None:
    examples = write_examples([{**ROWS[0], "click": 2}], tmp_path / "examples")
    with pytest.raises(DataError, match=r"label click must be 0 or 1 in every row; got 2"):
        run_evaluator(tmp_path / "run", examples, EvaluationSpec(), model)


@pytest.mark.slow
def test_evaluator_refuses_a_candidate_that_lacks_an_output(
    tmp_path: Path, examples: standard_artifacts.Examples
) -> None:
    older = write_model(tmp_path / "older", outputs=("click",))
    with pytest.raises(DataError, match=r"the output ctcvr; it answers click, conversion"):
        run_evaluator(tmp_path / "run", examples, EvaluationSpec(), older)
