"""Run records: round trip, listing, and the state of a run that was killed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rankbeam.pipeline.runs.latest import latest_pushed
from rankbeam.pipeline.runs.record import (
    NodeRecord,
    RunRecord,
    effective_state,
    read_record,
    records_below,
    write_record,
)
from rankbeam.transform.errors import ConfigError
from tests.disks import small_disk

RECORD = RunRecord(
    run_id="20260101T000000.000001",
    pipeline="shop",
    model_name="shop",
    config_file="rankbeam.yaml",
    started_at="2026-01-01T00:00:00+00:00",
    nodes=(NodeRecord("ExampleGen", "done", 1.5, "10 rows"),),
    destination="/somewhere/pushed",
)


def _folder(root: Path, record: RunRecord) -> Path:
    folder = root / "runs" / record.run_id
    folder.mkdir(parents=True)
    write_record(folder, record)
    return folder


def test_record_round_trip(tmp_path: Path) -> None:
    folder = _folder(tmp_path, RECORD)
    assert read_record(folder) == RECORD
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_record_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", "16k") as folder:
        write_record(folder, RECORD)
        with pytest.raises(OSError, match="No space left on device"):
            write_record(folder, replace(RECORD, error="x" * 50_000))
        assert [path.name for path in folder.iterdir()] == ["run.json"]
        assert read_record(folder) == RECORD


def test_record_refuses_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"nodes": [], "colour": "red"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"run\.json must be a run's record"):
        read_record(tmp_path)


def test_records_below_finds_one_pipeline_or_several(tmp_path: Path) -> None:
    later = replace(RECORD, run_id="20260102T000000.000001", pipeline="other")
    _folder(tmp_path / "shop", RECORD)
    _folder(tmp_path / "other", later)
    broken = tmp_path / "shop" / "runs" / "x"
    broken.mkdir()
    (broken / "run.json").write_text("{", encoding="utf-8")
    assert [record.pipeline for _, record in records_below(tmp_path)] == ["shop", "other"]
    assert [record.pipeline for _, record in records_below(tmp_path / "shop")] == ["shop"]


def test_effective_state_tells_a_killed_run() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert effective_state(replace(RECORD, process=ended.pid)) == "killed"
    assert effective_state(replace(RECORD, process=os.getpid())) == "running"
    assert effective_state(replace(RECORD, process=ended.pid, state="failed")) == "failed"


def test_latest_pushed_is_the_newest_push(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"no run has pushed; found none in {tmp_path}"):
        latest_pushed(tmp_path)
    _folder(tmp_path, replace(RECORD, version=1, state="succeeded"))
    _folder(
        tmp_path,
        replace(RECORD, run_id="20260103T000000.000001", state="failed", destination="/elsewhere"),
    )
    assert latest_pushed(tmp_path).destination == "/somewhere/pushed"
