"""What the spec refuses by itself, and what it refuses beside the outputs."""

import math

import pytest
from pydantic import ValidationError

from rankbeam.components.evaluator.checks import check_evaluation
from rankbeam.components.evaluator.spec import EvaluatedOutput, EvaluationSpec, MetricGate

OUTPUTS = (
    EvaluatedOutput(name="click", label="click"),
    EvaluatedOutput(name="conversion", label="conversion", given_label="click"),
    EvaluatedOutput(name="ctcvr", label="conversion"),
)


def findings(**fields: object) -> list[tuple[tuple[str | int, ...], str]]:
    return check_evaluation(EvaluationSpec.model_validate(fields), OUTPUTS)


def gate(**fields: object) -> dict[str, object]:
    return {"output": "click", "metric": "auc", "min": 0.6, **fields}


def test_evaluation_spec_defaults_have_no_findings() -> None:
    assert findings() == []


def test_evaluation_spec_good_gates_have_no_findings() -> None:
    gates = [
        gate(),
        gate(slice={"device": "mobile"}),
        gate(slice={"country": "de", "device": "mobile"}, max_worse=0.01),
        gate(metric="log_loss", min=None, max=0.5, max_worse_relative=0.02),
        gate(metric="example_count", min=1000),
    ]
    assert findings(slices=[["device"], ["device", "country"]], gates=gates) == []


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        (
            {"gates": [gate(output="clik")]},
            ("evaluation", "gates", 0, "output"),
            "evaluation.gates[0].output must be an output of the model (click, conversion, "
            "ctcvr); got clik; did you mean click?",
        ),
        (
            {"gates": [gate(), gate(slice={"device": "tv"})]},
            ("evaluation", "gates", 1, "slice"),
            "evaluation.gates[1].slice must use the columns of one of evaluation.slices (none); "
            "got device",
        ),
        (
            {"slices": [["device"], ["country"]], "gates": [gate(slice={"devise": "tv"})]},
            ("evaluation", "gates", 0, "slice"),
            "evaluation.gates[0].slice must use the columns of one of evaluation.slices "
            "(device, country); got devise; did you mean device?",
        ),
        (
            {"gates": [gate(min=70)]},
            ("evaluation", "gates", 0, "min"),
            "evaluation.gates[0].min must be between 0 and 1 for auc; got 70",
        ),
        (
            {"gates": [gate(metric="log_loss", min=None, max=-1)]},
            ("evaluation", "gates", 0, "max"),
            "evaluation.gates[0].max must be between 0 and inf for log_loss; got -1",
        ),
        (
            {"gates": [gate(min=math.nan)]},
            ("evaluation", "gates", 0, "min"),
            "evaluation.gates[0].min must be between 0 and 1 for auc; got nan",
        ),
        (
            {"slices": [[]]},
            ("evaluation", "slices", 0),
            "evaluation.slices[0] must name a column (all rows are always measured); got none",
        ),
        (
            {"slices": [["a", "b"], ["b", "a"]]},
            ("evaluation", "slices", 1),
            "evaluation.slices[1] must not repeat a slice; got b x a again",
        ),
        (
            {"slices": [["a", "a"]]},
            ("evaluation", "slices", 0),
            "evaluation.slices[0] must name each column once; got a twice",
        ),
    ],
)
def test_evaluation_spec_findings_name_field_rule_and_value(
    fields: dict[str, object], place: tuple[str | int, ...], message: str
) -> None:
    assert findings(**fields) == [(place, message)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"min": None}, "a gate must set min, max, max_worse or max_worse_relative"),
        ({"max": 0.5}, r"min must be <= max 0.5; got 0.6"),
        ({"metric": "calibration", "max_worse": 0.1}, "calibration has no better direction"),
        ({"metric": "example_count", "max_worse_relative": 0.1}, "example_count has no better"),
        ({"max_worse": -0.1}, "greater than or equal to 0"),
        ({"metric": "gini"}, "Input should be 'auc', 'pr_auc'"),
    ],
)
def test_metric_gate_refuses_what_bounds_nothing(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MetricGate.model_validate(gate(**fields))
