"""From a data file alone to a pushed model."""

import csv
from pathlib import Path

import pytest

from tests.e2e.command import rankbeam
from tests.e2e.outputs import pushed, records
from tests.e2e.tiny import read_log
from tests.e2e.warm import WarmProcess

pytestmark = pytest.mark.slow

_COLUMNS = ("timestamp", "user_id", "offer_id", "device", "country", "price", "click", "conversion")


def test_starter_config_of_a_csv_file_runs_to_a_push(
    market: Path, warm: WarmProcess, tmp_path: Path
) -> None:
    data, config, output = tmp_path / "log.csv", tmp_path / "rankbeam.yaml", tmp_path / "out"
    with data.open("w", newline="") as file:
        rows = csv.DictWriter(file, _COLUMNS)
        rows.writeheader()
        rows.writerows(read_log(market).select(_COLUMNS).to_pylist())
    started = rankbeam("init", data, "--output", config)
    assert (started.code, started.err) == (0, "")
    finished = warm.rankbeam("run", config, "--output", output)
    assert (finished.code, finished.err) == (0, "")
    [record] = records(output)
    assert (record["state"], record["version"]) == ("succeeded", 1)
    assert list(pushed(output)) == ["1"]
