"""What a config file may say, and what it is told when it says something else."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.trainer.specs import MmoeSharing
from rankbeam.transform.errors import ConfigError
from tests.pipeline.config.examples import write_config


def test_load_reads_every_section(tmp_path: Path) -> None:
    loaded = load_config(write_config(tmp_path))
    config = loaded.config
    assert config.name == config.model_name == "shop"
    assert list(config.features) == ["user_id", "device", "price"]
    assert isinstance(config.model.sharing, MmoeSharing)
    assert config.model.sharing.experts == 2
    assert [out.name for out in config.evaluated_outputs] == ["click", "conversion", "ctcvr"]
    assert config.evaluated_outputs[1].given_label == "click"
    assert loaded.base_dir == tmp_path.resolve()


def test_load_takes_the_data_folder_of_the_caller(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    loaded = load_config(write_config(tmp_path), data_dir=elsewhere)
    assert loaded.base_dir == elsewhere


def test_config_is_frozen(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path)).config
    with pytest.raises(ValidationError, match="frozen"):
        config.training.epochs = 3  # type: ignore[misc]


def test_config_survives_its_own_dump(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path)).config
    assert RankbeamConfig.model_validate(config.model_dump(mode="json")) == config
    assert RankbeamConfig.model_validate_json(config.model_dump_json()) == config


BAD = [
    # one line of the valid config, what replaces it, the message
    ("name: shop", "nam: shop", "nam is not a known key; did you mean name? (rankbeam.yaml:1)"),
    ("name: shop", "name: Shop", "name must match ^[a-z][a-z0-9_-]*$; got 'Shop'"),
    ("name: shop\n", "", "name must be given; got nothing (rankbeam.yaml:1)"),
    (
        "    experts: 2",
        "    expert: 2",
        "model.sharing.expert is not a known key; did you mean experts? (rankbeam.yaml:17)",
    ),
    (
        "    experts: 2",
        "    experts: 0",
        "model.sharing.experts must be >= 1; got 0 (rankbeam.yaml:17)",
    ),
    (
        "    kind: mmoe",
        "    kind: mmo",
        "model.sharing.kind must be one of 'shared_bottom', 'mmoe', 'ple'; got 'mmo'; "
        "did you mean mmoe? (rankbeam.yaml:15)",
    ),
    ("    kind: mmoe\n", "", "model.sharing must have a kind"),
    (
        "    oov_buckets: 2",
        "    oov_bucket: 2",
        "features.device.oov_bucket is not a known key; did you mean oov_buckets?",
    ),
    ("scaling: log", "scaling: lg", "features.price.scaling must be one of "),
    ("scaling: log", "buckets: 4", "features.price: buckets needs scaling quantile_buckets"),
    (
        "hash_buckets: 1000",
        "hash_buckets: many",
        "features.user_id.hash_buckets must be an integer",
    ),
    ("kind: id, hash_buckets: 1000", "kind: id", "must set vocabulary_size or hash_buckets"),
    (
        "  price: {kind: numeric, scaling: log}",
        "  price: {kind: numeric}\n  price2: {kind: numeric, column: price}",
        "features.price2.column must be read by one feature only; got price, which "
        "features.price reads already (rankbeam.yaml:11)",
    ),
    (
        "  price: {kind: numeric, scaling: log}",
        "  price: {kind: numeric}\n  price: {kind: categorical}",
        "features.price must be given once; got it again (rankbeam.yaml:11, first on line 10)",
    ),
    (
        "  price: {kind: numeric, scaling: log}",
        "  clicked: {kind: categorical, column: click}",
        "features.clicked must not read an outcome; got column click, which tasks.click.label uses",
    ),
    (
        "  price: {kind: numeric, scaling: log}",
        "  price: {kind: numeric, missing_indicator: true}\n  price__missing: {kind: categorical}",
        "features.price.missing_indicator must add an input of its own; got price__missing",
    ),
    (
        "  split: {kind: entity_hash, column: user_id}",
        "  split: {kind: entity_hash, column: user_id}\n  keep: [device]\n"
        "  derive: {device: {source: ua, is_in: [m]}}",
        "features.device must not read an outcome; got column device, which data.derive.device",
    ),
    (
        "given: click}",
        "given: view}",
        "tasks.conversion.given must be one of the tasks (click, conversion); got view",
    ),
    (
        "  click: {label: click}",
        "  click: {label: click, given: conversion}",
        "must not run in a circle; got click -> conversion -> click",
    ),
    (
        "label: conversion, given: click}",
        "label: conversion}",
        "model.structure.kind must be independent where no task has given; got esmm",
    ),
    ("output: click, metric: auc", "output: clik, metric: auc", "clik"),
    ("min: 0.6", "minimum: 0.6", "evaluation.gates.0.minimum is not a known key; did you mean min"),
    ("kind: entity_hash, column: user_id", "kind: time, column: ts", "one of boundary and"),
    ("name: shop", "name: [shop", "must be valid YAML"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_load_names_field_rule_and_value(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(write_config(tmp_path, old, new))


def test_load_lists_every_finding_at_once(tmp_path: Path) -> None:
    file = write_config(tmp_path, "    experts: 2", "    experts: 0\n    dropout: 2")
    with pytest.raises(ConfigError, match=r"experts.*\n.*dropout") as caught:
        load_config(file)
    lines = str(caught.value).splitlines()
    assert lines == [
        "model.sharing.experts must be >= 1; got 0 (rankbeam.yaml:17)",
        "model.sharing.dropout must be < 1.0; got 2 (rankbeam.yaml:18)",
    ]


def test_load_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must be readable UTF-8 text; got .*absent\.yaml"):
        load_config(tmp_path / "absent.yaml")


def test_load_refuses_what_is_no_mapping(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be a mapping of sections"):
        load_config(file)


def test_schema_accepts_defaults_and_names_every_section() -> None:
    schema = RankbeamConfig.model_json_schema()
    assert set(schema["required"]) == {"name", "data", "features", "tasks"}
    assert set(schema["properties"]) == set(RankbeamConfig.model_fields)
