"""A model that misses its gate is not pushed, and the run says why."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import files_of, pushed, records, states
from tests.e2e.tiny import NODES, run_words, write_config
from tests.e2e.warm import WarmProcess

pytestmark = pytest.mark.slow

_GATE_ERROR = 4


def test_model_that_misses_its_gate_is_not_pushed(
    undisturbed: Undisturbed, market: Path, warm: WarmProcess, tmp_path: Path
) -> None:
    gates = [
        {"output": "click", "metric": "auc", "min": 0.999},
        {"output": "ctcvr", "metric": "log_loss", "max": 0.001, "slice": {"device": "mobile"}},
    ]
    changes = {"evaluation.gates": gates, "push.destination": "elsewhere"}
    config = write_config(tmp_path, changes)
    finished = warm.rankbeam(*run_words(config, market, undisturbed.output))
    record = records(undisturbed.output)[-1]
    assert finished.code == _GATE_ERROR
    assert (record["state"], record["version"]) == ("failed", None)
    assert finished.err.startswith(f"error: {record['error']}\nfull log: ")
    first, *reasons = record["error"].splitlines()
    assert re.fullmatch(r"model is not blessed by the Evaluator.* \(see /\S+\)", first)
    assert len(reasons) == 2
    assert re.search(r"click.*auc.*0\.999.*0\.\d+", reasons[0])
    assert re.search(r"ctcvr.*log_loss.*device.*mobile.*0\.001.*0\.\d+", reasons[1])
    assert states(record)["Trainer"] == "cached"
    assert list(states(record).items())[-1] == (NODES[-1], "failed")
    assert pushed(undisturbed.output, "elsewhere") == {}
    assert len(files_of(undisturbed.output, "Pusher")) <= len(records(undisturbed.output))
