"""What benchmarks/engines.py measures and prints."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.engines import BEAM_NODES, Run, groups, run_sampled, table
from rankbeam.pipeline.engines.processes import end_marked, start_marked

_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def _run(runner: str, rows: int, process_s: float) -> Run:
    peaks = {"run": 1_500.0, "engine": 2_000.4}
    return Run(runner, rows, dict.fromkeys(BEAM_NODES, 1.25), process_s, peaks)


def test_table_compares_each_size_with_beams_own_runner() -> None:
    runs = [_run("direct", 10, 20.0), _run("flink", 10, 30.0), _run("spark", 99, 50.0)]
    lines = table(runs)[2:]
    assert lines[0] == "| 10 | direct | 1.2 | 1.2 | 1.2 | 20 | 1.00 | 1,500 | 2,000 |"
    assert "| 30 | 1.50 |" in lines[1]
    assert "| 50 | – |" in lines[2]


def test_groups_tell_an_engine_from_the_run(tmp_path: Path) -> None:
    engine, other = tmp_path / "engine", tmp_path / "other"
    try:
        pid = start_marked(_SLEEP, str(engine), tmp_path / "engine.txt")
        start_marked(_SLEEP, str(other), tmp_path / "other.txt")
        found = groups(os.getpid(), engine)
        assert found["engine"] == [pid]
        assert os.getpid() in found["run"]
        assert groups(os.getpid(), None)["engine"] == []
    finally:
        end_marked(str(engine), 5.0)
        end_marked(str(other), 5.0)


def test_run_sampled_takes_time_and_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; held = b'x' * 200_000_000; time.sleep(2)"]
    seconds, peaks = run_sampled(command, os.environ, tmp_path / "log.txt", None)
    assert seconds >= 2
    assert peaks["run"] > 200
    assert peaks["engine"] == 0


def test_run_sampled_tells_why_a_command_failed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('said before'); sys.exit(3)"]
    with pytest.raises(RuntimeError, match=r"exit code 3 of (?s:.)*said before"):
        run_sampled(command, os.environ, tmp_path / "log.txt", None)
