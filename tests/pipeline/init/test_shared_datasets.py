"""Starters for public datasets."""

from pathlib import Path

import pytest

from rankbeam.pipeline.init.starter import infer_config
from rankbeam.transform.errors import DataError
from tests.pipeline.init.starters import kinds, starter


def test_starter_of_hillstrom_finds_its_funnel_and_its_leak(
    hillstrom_data: Path, tmp_path: Path
) -> None:
    config = starter(hillstrom_data, tmp_path)
    assert {task: spec.given for task, spec in config.tasks.items()} == {
        "visit": None,
        "conversion": "visit",
    }
    assert "spend" not in config.features
    assert "#   spend: leaks the outcome: non-zero only where conversion is 1" in (
        infer_config(hillstrom_data)
    )
    assert kinds(config) == {
        "recency": "numeric",
        "history_segment": "categorical",
        "history": "numeric",
        "mens": "categorical",
        "womens": "categorical",
        "zip_code": "categorical",
        "newbie": "categorical",
        "channel": "categorical",
        "segment": "categorical",
    }


@pytest.mark.parametrize("policy", ["bts", "random"])
def test_starter_of_open_bandit_finds_click_and_time(
    shared_data: Path, tmp_path: Path, policy: str
) -> None:
    folder = shared_data / "obd" / policy / "men"
    if not folder.is_dir():
        pytest.skip(f"no dataset {folder}")
    config = starter(folder / "men.csv", tmp_path)
    assert list(config.tasks) == ["click"]
    assert config.data.split.model_dump()["column"] == "timestamp"
    assert not {"propensity_score", "timestamp", ""} & set(config.features)
    assert config.features["user_item_affinity_0"].column == "user-item_affinity_0"
    assert config.model.structure.kind == "independent"
    with pytest.raises(DataError, match=r"men\.csv has other ones than item_context\.csv"):
        infer_config(folder)


def test_starter_of_adult_derives_its_label(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "adult" / "adult.data"
    if not data.exists():
        pytest.skip(f"no dataset {data}")
    config = starter(data, tmp_path)
    [derived] = config.data.derive.values()
    assert (derived.source, derived.is_in) == ("Salary", (">50K",))
    assert config.data.source.model_dump()["null_values"] == ("", "?")
    assert len(config.features) == 14
    assert "CHECK THIS: only a guess. 1 in 7,841 rows (Salary is >50K), 24.08 %" in (
        infer_config(data)
    )


def test_starter_of_census_makes_up_names(census_data: Path, tmp_path: Path) -> None:
    config = starter(census_data, tmp_path)
    assert len(config.data.source.model_dump()["column_names"]) == 42
    [derived] = config.data.derive.values()
    assert (derived.source, derived.is_in) == ("column_41", ("50000+.",))
