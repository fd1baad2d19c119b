"""Spans of data: one that is asked for, or the latest, which retrains and is compared."""

from pathlib import Path

import pytest

from tests.e2e.conftest import Undisturbed
from tests.e2e.outputs import meaning, pushed, records, states
from tests.e2e.tiny import run_words
from tests.e2e.warm import WarmProcess

pytestmark = pytest.mark.slow


def test_new_span_retrains_and_is_compared_with_the_blessed_model(
    undisturbed: Undisturbed, market: Path, warm: WarmProcess
) -> None:
    output = undisturbed.output
    latest = warm.rankbeam("run", undisturbed.config, "--data", market, "--output", output)
    assert (latest.code, latest.err) == (0, "")
    record = records(output)[-1]
    assert states(record) == dict.fromkeys(states(record), "done")
    assert meaning(record, "Baseline") == "compare with version 1"
    assert meaning(record, "Evaluator").endswith("; BLESSED")
    assert (record["version"], meaning(record, "Pusher")) == (2, "version 2, new")
    after = pushed(output)
    assert set(after) == {"1", "2"}
    assert after["1"] == undisturbed.pushed["1"] != after["2"]

    first = warm.rankbeam(*run_words(undisturbed.config, market, output))
    assert (first.code, first.err) == (0, "")
    record = records(output)[-1]
    assert states(record)["Trainer"] == "cached"
    assert meaning(record, "Baseline") == "compare with version 2"
    # Servers serve the newest version, so going back publishes the older model anew.
    assert (record["version"], meaning(record, "Pusher")) == (3, "version 3, new")
    assert pushed(output) == {**after, "3": after["1"]}
