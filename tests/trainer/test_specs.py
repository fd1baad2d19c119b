"""Specs: what is refused and how, defaults, the trip through JSON."""

import pytest
from pydantic import ValidationError

from rankbeam.trainer.specs import DcnInteraction, ModelSpec, TrainerOptions, TrainingSpec

OPTIONS = {
    "transform": {
        "features": {"device": {"kind": "categorical"}, "age": {"kind": "numeric"}},
        "labels": ["click", "conversion"],
    },
    "tasks": {
        "click": {"label": "click"},
        "conversion": {"label": "conversion", "given": "click"},
    },
    "model": {"sharing": {"kind": "mmoe"}, "structure": {"kind": "esmm"}},
}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rank": 4}, "rank needs form low_rank or mixture; got full with 4"),
        ({"form": "low_rank", "experts": 2}, "experts needs form mixture; got low_rank with 2"),
        ({"combine": "parallel"}, "combine parallel needs deep widths; got none"),
        ({"layers": 0}, "greater than or equal to 1"),
        ({"dropout": 1.0}, "less than 1"),
        ({"width": 3}, "Extra inputs are not permitted"),
    ],
)
def test_dcn_interaction_refuses(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DcnInteraction.model_validate({"kind": "dcn", **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 0}, "greater than or equal to 1"),
        ({"optimizer": {"learning_rate": 0}}, "greater than 0"),
        ({"optimizer": {"kind": "lamb"}}, "'adam', 'adagrad' or 'sgd'"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_training_spec_refuses(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainingSpec.model_validate(fields)


def test_dcn_interaction_fills_in_the_options_of_its_form() -> None:
    spec = DcnInteraction(kind="dcn", form="mixture")
    assert (spec.low_rank, spec.expert_count) == (16, 4)
    spec = DcnInteraction(kind="dcn", form="mixture", rank=3, experts=2)
    assert (spec.low_rank, spec.expert_count) == (3, 2)


def test_model_spec_refuses_an_unknown_sharing() -> None:
    with pytest.raises(ValidationError, match="'shared_bottom', 'mmoe', 'ple'"):
        ModelSpec.model_validate({"sharing": {"kind": "star"}})


def test_trainer_options_travel_as_json() -> None:
    options = TrainerOptions.model_validate(OPTIONS)
    assert TrainerOptions.model_validate_json(options.model_dump_json()) == options
    assert [output.name for output in options.funnel.outputs] == ["click", "conversion", "ctcvr"]
