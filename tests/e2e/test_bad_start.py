"""What is wrong before anything runs: one line at once, and no output."""

from pathlib import Path
from typing import Any

import pytest

from tests.disks import remount_read_only, small_disk
from tests.e2e.command import Finished, rankbeam
from tests.e2e.tiny import run_words, write_config

pytestmark = pytest.mark.slow

_CONFIG_ERROR, _DATA_ERROR, _ENVIRONMENT_FAULT = 2, 3, 5


def _assert_refused(finished: Finished, code: int, message: str) -> None:
    assert (finished.code, finished.out, finished.err) == (code, "", f"error: {message}\n")


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        (
            {"training.batch_sise": 64},
            "batch_sise",
            "training.batch_sise is not a known key; did you mean batch_size?",
        ),
        (
            {"features.cost": {"kind": "numeric", "column": "price"}},
            "cost",
            "features.cost.column must be read by one feature only; got price, which "
            "features.price reads already",
        ),
    ],
    ids=["unknown-key", "two-features-on-one-column"],
)
def test_config_that_breaks_a_rule(
    market: Path, tmp_path: Path, changes: dict[str, Any], key: str, message: str
) -> None:
    config = write_config(tmp_path / "config", changes)
    keys = [line.split(":")[0].strip() for line in config.read_text().splitlines()]
    finished = rankbeam(*run_words(config, market, tmp_path / "out"))
    place = f"rankbeam.yaml:{keys.index(key) + 1}"
    _assert_refused(finished, _CONFIG_ERROR, f"{message} ({place})")
    assert not (tmp_path / "out").exists()


def test_config_that_is_not_there(market: Path, tmp_path: Path) -> None:
    finished = rankbeam(*run_words(tmp_path / "rankbeam.yaml", market, tmp_path / "out"))
    assert finished.code == _CONFIG_ERROR
    assert finished.err.startswith("error: config file must be readable UTF-8 text; got ")
    assert len(finished.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_data_path_that_is_not_there(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", {"data.source.path": "logs/*.parquet"})
    finished = rankbeam("run", config, "--output", tmp_path / "out")
    message = f"data.source.path must lead to files; nothing is at {tmp_path}/config/logs/*.parquet"
    _assert_refused(finished, _DATA_ERROR, message)
    assert not (tmp_path / "out").exists()


def test_span_that_is_not_there(market: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "config")
    finished = rankbeam("run", config, "--data", market, "--span", 7, "--output", tmp_path / "out")
    assert finished.code == _DATA_ERROR
    assert "7" in finished.err
    assert len(finished.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_output_below_a_file(market: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    output = tmp_path / "file" / "out"
    finished = rankbeam(*run_words(write_config(tmp_path), market, output))
    _assert_refused(
        finished,
        _ENVIRONMENT_FAULT,
        f"output folder must be writable; got {output}: Not a directory",
    )
    assert (tmp_path / "file").read_text() == "mine"


def test_output_that_is_read_only(market: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with small_disk(tmp_path / "disk", "64k") as disk:
        remount_read_only(disk)
        for output in (disk, disk / "out"):
            _assert_refused(
                rankbeam(*run_words(config, market, output)),
                _ENVIRONMENT_FAULT,
                f"output folder must be writable; got {output}: Read-only file system",
            )
        assert list(disk.iterdir()) == []
