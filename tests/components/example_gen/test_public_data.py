"""The public datasets, against pandas or the standard library."""

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.components.example_gen.runs import MISSING, make_spec, read_columns, run


def _dataset(shared_data: Path, *names: str) -> Path:
    path = shared_data.joinpath(*names)
    if not path.exists():
        pytest.skip(f"no dataset {'/'.join(names)} in {shared_data} (set --shared-data)")
    return path


def _ingest(
    path: Path, tmp_path: Path, *, columns: Mapping[str, str], **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Columns of train, and of eval."""
    spec = make_spec(path.name, "csv", columns=columns, **options)
    run(spec, path.parent, str(tmp_path / "output"))
    train, evaluated = (
        read_columns(tmp_path / "output", split, columns) for split in ("train", "eval")
    )
    return train, evaluated


def test_census_splits_by_row_as_crc32_does(shared_data: Path, tmp_path: Path) -> None:
    path = _dataset(shared_data, "census_income_kdd_test", "census-income.test.gz")
    parts = _ingest(
        path,
        tmp_path,
        columns={"c0": "float", "c4": "string", "rich": "int", "never_married": "int"},
        derive={
            "rich": {"source": "c41", "is_in": ["50000+."]},
            "never_married": {"source": "c7", "is_in": ["Never married"]},
        },
        column_names=[f"c{place}" for place in range(42)],
        strip_whitespace=True,
        null_values=(),
    )
    with gzip.open(path, "rt") as lines:
        raw = [[cell.strip() for cell in line.split(",")] for line in lines]
    assert len(raw) == 99_762
    is_eval = [zlib.crc32(str(row).encode()) % 5 == 0 for row in range(len(raw))]
    for columns, wanted in zip(parts, (False, True), strict=True):
        rows = [cells for cells, flag in zip(raw, is_eval, strict=True) if flag == wanted]
        assert columns["c0"].tolist() == [float(cells[0]) for cells in rows]
        assert columns["c4"].tolist() == [cells[4].encode() for cells in rows]
        assert columns["rich"].tolist() == [cells[41] == "50000+." for cells in rows]
        assert columns["never_married"].tolist() == [cells[7] == "Never married" for cells in rows]
    assert sum(columns["rich"].sum() for columns in parts) == 6_186


def test_hillstrom_keeps_every_row_and_zero(shared_data: Path, tmp_path: Path) -> None:
    path = _dataset(shared_data, "hillstrom", "hillstrom_email_data.csv")
    kinds = {"history": "float", "zip_code": "string", "visit": "int", "conversion": "int"}
    train, evaluated = _ingest(path, tmp_path, columns=kinds)
    table = pd.read_csv(path)
    assert len(table) == 64_000
    is_eval = np.array([zlib.crc32(str(row).encode()) % 5 == 0 for row in range(64_000)])
    for columns, part in ((train, table[~is_eval]), (evaluated, table[is_eval])):
        assert columns["visit"].tolist() == part["visit"].tolist()
        assert columns["conversion"].tolist() == part["conversion"].tolist()
        assert columns["history"].tolist() == part["history"].astype(np.float32).tolist()
        assert columns["zip_code"].tolist() == [code.encode() for code in part["zip_code"]]


def test_adult_is_read_with_blanks_around_values(shared_data: Path, tmp_path: Path) -> None:
    path = _dataset(shared_data, "adult", "adult.data")
    parts = _ingest(
        path,
        tmp_path,
        columns={"workclass": "string", "age": "float", "rich": "int"},
        derive={"rich": {"source": "Salary", "is_in": [">50K"]}},
        strip_whitespace=True,
        null_values=("?",),
    )
    table = pd.read_csv(path, skipinitialspace=True, na_values=["?"])
    assert sum(len(columns["age"]) for columns in parts) == len(table) == 32_561
    assert sum(columns["age"].sum() for columns in parts) == table["age"].sum()
    assert sum(columns["rich"].sum() for columns in parts) == 7_841
    missing = sum((columns["workclass"] == MISSING["string"]).sum() for columns in parts)
    assert missing == table["workclass"].isna().sum()


def test_obd_splits_by_time_without_future_in_train(shared_data: Path, tmp_path: Path) -> None:
    path = _dataset(shared_data, "obd", "random", "men", "men.csv")
    train, evaluated = _ingest(
        path,
        tmp_path,
        columns={"timestamp": "string", "click": "int", "propensity_score": "float"},
        split={"kind": "time", "column": "timestamp", "eval_fraction": 0.2},
    )
    # All are UTC with six digits, so that their text sorts as they do.
    in_order = sorted(pd.read_csv(path)["timestamp"])
    assert sorted(stamp.decode() for stamp in train["timestamp"]) == in_order[:8_000]
    assert sorted(stamp.decode() for stamp in evaluated["timestamp"]) == in_order[8_000:]
    assert in_order[7_999] < in_order[8_000]
    assert train["click"].sum() + evaluated["click"].sum() == 46


def test_obd_folders_read_all_files_below_a_glob(shared_data: Path, tmp_path: Path) -> None:
    base = _dataset(shared_data, "obd")
    spec = make_spec(
        ".",
        "csv",
        columns={"click": "int"},
        split={"kind": "folders", "train": "random/*/*men.csv", "eval": "bts/men/men.csv"},
    )
    counts = run(spec, base, str(tmp_path / "output"))
    assert (counts["train"].rows, counts["eval"].rows) == (20_000, 10_000)
    assert (counts["train"].labels["click"].one, counts["eval"].labels["click"].one) == (92, 69)
