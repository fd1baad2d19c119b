"""The gate: every combination of verdicts, and only the good ones pass."""

import itertools

import pytest

from rankbeam.components.pusher.logic import Blessing, pass_gate
from rankbeam.transform.errors import GateError

MODEL = "/run/Trainer/model/7"


def _blessing(
    property_: int | None = 1,
    good: bool = True,
    bad: bool = False,
    reason: str = "",
    model_uri: str = MODEL,
) -> Blessing:
    return Blessing("/run/blessing/9", property_, good, bad, reason, model_uri)


def test_logic_only_consistent_good_verdicts_pass() -> None:
    passed = set()
    for verdict in itertools.product((None, 0, 1, 2), (False, True), (False, True)):
        try:
            pass_gate("Evaluator", _blessing(*verdict), True, MODEL)
        except GateError:
            continue
        passed.add(verdict)
    assert passed == {(1, True, False), (1, False, False), (None, True, False)}


REFUSALS = [
    (None, "push needs the Evaluator's blessing; the run has none"),
    (
        _blessing(0, good=False, bad=True, reason="AUC must be >= 0.9; got 0.6"),
        r"model is not blessed by the Evaluator: AUC must be >= 0\.9; got 0\.6 "
        r"\(see /run/blessing/9\)",
    ),
    (_blessing(0, good=False), r"model is not blessed by the Evaluator \(see /run/blessing/9\)"),
    (_blessing(1, bad=True), "model is not blessed by the Evaluator"),
    (_blessing(None, good=False), "push needs the Evaluator's verdict; /run/blessing/9 holds none"),
    (
        _blessing(model_uri="/run/Trainer/model/3"),
        "must be for the model /run/Trainer/model/7; got one for /run/Trainer/model/3",
    ),
]


@pytest.mark.parametrize(("blessing", "message"), REFUSALS)
def test_logic_refusals_say_why_and_where(blessing: Blessing | None, message: str) -> None:
    with pytest.raises(GateError, match=message):
        pass_gate("Evaluator", blessing, True, MODEL)


@pytest.mark.parametrize("blessing", [blessing for blessing, _ in REFUSALS])
def test_logic_a_gate_that_is_not_required_lets_pass_and_says_so(
    blessing: Blessing | None,
) -> None:
    assert pass_gate("Evaluator", blessing, False, MODEL) == "not required"


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("model_uri", [MODEL, MODEL + "/", ""])
def test_logic_a_good_verdict_is_on_record_either_way(required: bool, model_uri: str) -> None:
    blessing = _blessing(model_uri=model_uri)
    assert pass_gate("Evaluator", blessing, required, MODEL) == "blessed"
