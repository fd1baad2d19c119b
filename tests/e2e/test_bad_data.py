"""Data that cannot be trained on: one clear error, its exit code, nothing half-written."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.e2e.command import rankbeam
from tests.e2e.stopped import assert_stopped
from tests.e2e.tiny import read_log, write_config
from tests.e2e.warm import WarmProcess

pytestmark = pytest.mark.slow

_ROWS = 500
_COLUMNS = ("timestamp", "offer_id", "device", "price", "click", "conversion")
_DATA_ERROR, _GATE_ERROR = 3, 4
_SEE = r" \(see /\S+/artifacts/ExampleValidator/anomalies/\d+\)"


@pytest.fixture(scope="module")
def log(market: Path) -> pa.Table:
    return read_log(market).slice(0, _ROWS).select(_COLUMNS)


def _with(log: pa.Table, column: str, values: Sequence[Any]) -> pa.Table:
    field = log.schema.field(column)
    array = pa.array(values, field.type)
    return log.set_column(log.schema.get_field_index(column), field.with_nullable(True), array)


def _with_value(log: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    values = log[column].to_pylist()
    values[row] = value
    return _with(log, column, values)


def _configured(folder: Path, log: pa.Table, **split: Any) -> tuple[Path, Path]:
    """A config on a one-file Parquet log, and that file."""
    changes: dict[str, Any] = {"data.source.path": "log.parquet"}
    if split:
        changes["data.split"] = split
    file = folder / "log.parquet"
    pq.write_table(log, file)
    return write_config(folder, changes), file


def test_ragged_csv(warm: WarmProcess, log: pa.Table, tmp_path: Path) -> None:
    rows = [",".join(map(str, row.values())) for row in log.to_pylist()]
    rows[40] += ",9"
    file = tmp_path / "log.csv"
    file.write_text("\n".join([",".join(_COLUMNS), *rows, ""]))
    config = write_config(tmp_path, {"data.source": {"kind": "csv", "path": file.name}})
    finished = warm.rankbeam("run", config, "--output", tmp_path / "out")
    message = (
        rf"{file} must be readable as CSV; .*Row #42: Expected 6 columns, got 7: "
        rf"{re.escape(rows[40])}"
    )
    assert_stopped(finished, tmp_path / "out", "ExampleGen", _DATA_ERROR, message)


def test_truncated_parquet(log: pa.Table, tmp_path: Path) -> None:
    config, file = _configured(tmp_path, log)
    file.write_bytes(file.read_bytes()[:-100])
    finished = rankbeam("run", config, "--output", tmp_path / "out")
    message = rf"{file} must be readable as Parquet; Parquet magic bytes not found in footer.*"
    assert_stopped(finished, tmp_path / "out", "ExampleGen", _DATA_ERROR, message)


def test_missing_label_column(warm: WarmProcess, log: pa.Table, tmp_path: Path) -> None:
    config, file = _configured(tmp_path, log.drop(["click"]))
    finished = warm.rankbeam("run", config, "--output", tmp_path / "out")
    message = (
        rf"{file} must hold column 'click' \(wanted by a label\); it holds 'timestamp', "
        r"'offer_id', 'device', 'price', 'conversion'"
    )
    assert_stopped(finished, tmp_path / "out", "ExampleGen", _DATA_ERROR, message)


def _null_price(log: pa.Table) -> pa.Table:
    return _with(log, "price", [None] * _ROWS)


def _constant_click(log: pa.Table) -> pa.Table:
    return _with(log, "click", [1] * _ROWS)


def _click_of_2(log: pa.Table) -> pa.Table:
    return _with_value(log, "click", 7, 2)


def _conversion_without_click(log: pa.Table) -> pa.Table:
    row = log["click"].to_pylist().index(0)
    return _with_value(log, "conversion", row, 1)


def _unknown_device(log: pa.Table) -> pa.Table:
    return _with_value(log, "device", 3, "tv")


_IN_ROW = r"in 1 of 400 rows, first {}in row {} \(offer_id=o\d+\)"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            _null_price,
            rf"data gate: 2 problems{_SEE}\n"
            r"  train: price: no value in any of 400 rows; a feature must have one\n"
            r"  eval: price: no value in any of 100 rows; a feature must have one",
        ),
        (
            _constant_click,
            rf"data gate: 2 problems{_SEE}\n"
            r"  train: label click is 1 in all 400 rows; it must vary .*\n"
            r"  eval: label click is 1 in all 100 rows; it must vary .*",
        ),
        (
            _click_of_2,
            r"data gate: train: label click must be 0 or 1; got another value "
            rf"{_IN_ROW.format('2 ', 7)}{_SEE}",
        ),
        (
            _conversion_without_click,
            r"data gate: train: conversion is 1 though click is 0 "
            rf"{_IN_ROW.format('', 0)}; none may{_SEE}",
        ),
        (
            _unknown_device,
            r"data gate: train: device: unexpected value 'tv' \(0.25 % of rows\); expected one of "
            rf"'mobile', 'desktop', 'tablet'{_SEE}",
        ),
    ],
)
def test_data_gate_stops(
    warm: WarmProcess,
    log: pa.Table,
    tmp_path: Path,
    spoil: Callable[[pa.Table], pa.Table],
    message: str,
) -> None:
    config, _ = _configured(tmp_path, spoil(log))
    finished = warm.rankbeam("run", config, "--output", tmp_path / "out")
    assert_stopped(finished, tmp_path / "out", "DataGate", _GATE_ERROR, message)


def test_empty_eval_split(warm: WarmProcess, log: pa.Table, tmp_path: Path) -> None:
    config, _ = _configured(tmp_path, log, kind="time", column="timestamp", boundary=4e9)
    finished = warm.rankbeam("run", config, "--output", tmp_path / "out")
    message = (
        r"data gate: eval: must have at least 1 row \(data.split, gates.data.min_rows\); got 0"
        rf"{_SEE}"
    )
    assert_stopped(finished, tmp_path / "out", "DataGate", _GATE_ERROR, message)
