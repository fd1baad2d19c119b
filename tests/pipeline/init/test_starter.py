"""Whole starter configs: from a data file to a config that a run accepts."""

import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml

from rankbeam.components.example_gen.bigquery_spec import BigQuerySource
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.pipeline.init.starter import infer_config, write_starter
from rankbeam.transform.errors import ConfigError, DataError, EnvironmentFault
from rankbeam.transform.specs.features import IdFeature, NumericFeature
from tests.pipeline.init.starters import kinds, log_columns, starter, write_csv, write_parquet

FEATURES = {
    "user_id": "id",
    "offer_id": "id",
    "device": "categorical",
    "position": "categorical",
    "price": "numeric",
    "age": "numeric",
}
LEFT_OUT = ("row", "constant", "nothing", "revenue", "propensity")


def _path(config: RankbeamConfig) -> str:
    source = config.data.source
    assert not isinstance(source, BigQuerySource)
    return source.path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_starter_reads_a_log(tmp_path: Path, kind: str) -> None:
    write = write_csv if kind == "csv" else write_parquet
    data = write(tmp_path / f"shop.{kind}", log_columns(2000))
    config = starter(data, tmp_path)
    assert config.name == "shop"
    assert config.data.source.kind == kind
    assert _path(config) == f"shop.{kind}"
    assert {task: spec.given for task, spec in config.tasks.items()} == {
        "click": None,
        "conversion": "click",
    }
    # Split by user, whose id is then no input.
    assert config.data.split.model_dump() == {
        "kind": "entity_hash",
        "column": "user_id",
        "eval_fraction": 0.2,
        "salt": "",
    }
    assert kinds(config) == {name: each for name, each in FEATURES.items() if name != "user_id"}
    assert config.model.structure.kind == "esmm"


def test_starter_scales_and_sizes_features(tmp_path: Path) -> None:
    data = write_parquet(tmp_path / "shop.parquet", log_columns(2000))
    features = starter(data, tmp_path).features
    assert isinstance(features["price"], NumericFeature)
    assert features["price"].scaling == "log"
    assert isinstance(features["age"], NumericFeature)
    assert features["age"].scaling == "z_score"
    assert features["age"].missing_indicator
    assert isinstance(features["offer_id"], IdFeature)
    assert features["offer_id"].vocabulary_size == 500  # all 400 values were seen


def test_starter_says_why_columns_are_left_out(tmp_path: Path) -> None:
    text = infer_config(write_csv(tmp_path / "shop.csv", log_columns(2000)))
    reasons = {
        "row": "is unique per row",
        "user_id": "splits the rows",
        "constant": "is constant: x",
        "nothing": "has no value",
        "revenue": "leaks the outcome: non-zero only where conversion is 1",
        "propensity": "the logging policy's probability",
    }
    for column, reason in reasons.items():
        assert f"  #   {column}: {reason}" in text


def test_starter_splits_by_time_where_there_is_one(tmp_path: Path) -> None:
    columns = log_columns(1000)
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    columns["timestamp"] = [start + datetime.timedelta(minutes=i) for i in range(1000)]
    config = starter(write_parquet(tmp_path / "a.parquet", columns), tmp_path)
    assert config.data.split.model_dump(exclude={"boundary"}) == {
        "kind": "time",
        "column": "timestamp",
        "eval_fraction": 0.2,
    }
    assert config.features["user_id"].kind == "id"
    assert "timestamp" not in config.features


def test_starter_splits_by_row_without_time_and_user(tmp_path: Path) -> None:
    columns = log_columns(1000)
    del columns["user_id"]
    config = starter(write_csv(tmp_path / "a.csv", columns), tmp_path)
    assert config.data.split.kind == "row_hash"


def test_starter_takes_folders_as_the_split(tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "test")):
        write_parquet(tmp_path / "shop" / name / "part-0.parquet", log_columns(500, seed))
    config = starter(tmp_path / "shop", tmp_path)
    assert config.data.split.model_dump() == {"kind": "folders", "train": "train", "eval": "test"}
    assert _path(config) == "shop"
    assert config.name == "shop"
    assert config.features["user_id"].kind == "id"


def test_starter_reads_a_folder_of_files(tmp_path: Path) -> None:
    for index in range(3):
        write_parquet(tmp_path / "log" / f"part-{index}.parquet", log_columns(300, index))
    text = infer_config(tmp_path / "log", tmp_path)
    assert "a look at all 900 rows" in text
    assert yaml.safe_load(text)["data"]["source"]["path"] == "log/"


def test_starter_looks_at_a_bounded_number_of_rows(tmp_path: Path) -> None:
    rows = 100_001
    columns = {
        "click": np.arange(rows) % 2,
        "device": np.array(["a", "b", "c"])[np.arange(rows) % 3],
    }
    text = infer_config(write_parquet(tmp_path / "a.parquet", columns))
    assert "a look at the first 100,000 rows" in text


def test_starter_has_a_feature_for_lists(tmp_path: Path) -> None:
    columns = log_columns(500)
    columns["tags"] = [["a", "b", "c"][: i % 4] for i in range(500)]
    columns["vector"] = [[0.5, 0.25]] * 500
    text = infer_config(write_parquet(tmp_path / "a.parquet", columns))
    features = yaml.safe_load(text)["features"]
    assert features["tags"] == {"kind": "multivalent", "max_values": 3}
    assert "vector: is a list of double" in text


def test_starter_has_a_feature_for_lists_in_text(tmp_path: Path) -> None:
    columns = log_columns(500)
    columns["tags"] = [";".join(sorted({"abcde"[i % 5], "abcde"[i % 3]})) for i in range(500)]
    config = starter(write_csv(tmp_path / "a.csv", columns), tmp_path)
    assert config.features["tags"].kind == "multivalent"
    assert config.data.source.model_dump()["list_separator"] == ";"


def test_starter_renames_columns_that_are_no_identifiers(tmp_path: Path) -> None:
    columns = log_columns(500)
    columns["user-device"] = columns["device"]
    columns["user device"] = columns["device"]
    columns["1st"] = columns["device"]
    features = starter(write_csv(tmp_path / "a.csv", columns), tmp_path).features
    assert features["user_device"].column == "user-device"
    assert features["user_device_2"].column == "user device"
    assert features["column_1st"].column == "1st"


def test_starter_keeps_odd_names_and_values_on_their_lines(tmp_path: Path) -> None:
    columns = {
        "yes": ["on: {a}", "#\n- b", "null"] * 50,
        "é, [x]": ["ü"] * 75 + ["ö"] * 75,
        "click": [0, 1, 0] * 50,
        "device": ["a", "b", "c", "d", "e"] * 30,
    }
    config = starter(write_parquet(tmp_path / "odd: #1.parquet", columns), tmp_path)
    assert _path(config) == "odd: #1.parquet"
    assert [feature.column for feature in config.features.values()] == [None, "é, [x]", None]


def test_starter_writes_paths_outside_its_folder_in_full(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "data" / "shop.csv", log_columns(300))
    (tmp_path / "configs").mkdir()
    assert _path(starter(data, tmp_path / "configs")) == str(data)


def test_starter_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "shop.csv", log_columns(300))
    output = tmp_path / "rankbeam.yaml"
    output.write_text("mine")
    with pytest.raises(ConfigError, match=r"output must not exist yet; got .*rankbeam\.yaml"):
        write_starter(data, output)
    assert output.read_text() == "mine"
    write_starter(data, output, force=True)
    assert yaml.safe_load(output.read_text())["name"] == "shop"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rankbeam.yaml", "shop.csv"]


def test_starter_writes_nothing_where_the_data_are_bad(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing is at"):
        write_starter(tmp_path / "gone.csv", tmp_path / "rankbeam.yaml")
    assert list(tmp_path.iterdir()) == []


def test_starter_names_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "shop.csv", log_columns(300))
    with pytest.raises(EnvironmentFault, match=r"output must be writable; got .*gone"):
        write_starter(data, tmp_path / "gone" / "rankbeam.yaml")


def test_starter_needs_something_to_learn_from(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "a.csv", {"click": [0, 1] * 50, "x": ["a"] * 100})
    with pytest.raises(DataError, match="data must have a column to learn from; got none"):
        infer_config(data)
