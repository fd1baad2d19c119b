"""Model config files: what TensorFlow Serving's documentation shows, and what it refuses."""

import re
from pathlib import Path

import pytest
from tensorflow_serving.config import model_server_config_pb2

from rankbeam.serving.policy import LATEST, All, Latest, Specific, VersionPolicy
from rankbeam.serving.settings.checks import InvalidSetting
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.model_config import models_of, read_models
from rankbeam.transform.errors import ConfigError

_MODEL = 'config { name: "NAME" base_path: "/models/NAME" model_platform: "tensorflow" MORE }'


def _one(more: str = "", name: str = "ads") -> str:
    return _MODEL.replace("NAME", name).replace("MORE", more)


def _read(tmp_path: Path, *models: str) -> tuple[ModelSettings, ...]:
    file = tmp_path / "models.config"
    file.write_text("model_config_list {\n" + "\n".join(models) + "\n}\n")
    return read_models(file)


def test_model_config_reads_several_models_with_labels(tmp_path: Path) -> None:
    labels = 'version_labels { key: "stable" value: 43 } version_labels { key: "new" value: 44 }'
    assert _read(tmp_path, _one(labels), _one(name="shop")) == (
        ModelSettings("ads", Path("/models/ads"), LATEST, {"stable": 43, "new": 44}),
        ModelSettings("shop", Path("/models/shop")),
    )


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", LATEST),
        ("model_version_policy { }", LATEST),
        ("model_version_policy { latest { } }", LATEST),
        ("model_version_policy { latest { num_versions: 3 } }", Latest(3)),
        ("model_version_policy: { all: { } }", All()),
        (
            "model_version_policy { specific { versions: 42 versions: 43 } }",
            Specific(frozenset({42, 43})),
        ),
        ("model_version_policy { specific { } }", Specific(frozenset())),
    ],
)
def test_model_config_reads_policies(tmp_path: Path, text: str, policy: VersionPolicy) -> None:
    (model,) = _read(tmp_path, _one(text))
    assert model.policy == policy


def test_model_config_reads_logging(tmp_path: Path) -> None:
    log = (
        'logging_config { log_collector_config { type: "tfrecord" filename_prefix: "/log/ads" } '
        "sampling_config { sampling_rate: 0.25 } }"
    )
    (model,) = _read(tmp_path, _one(log))
    assert model.logging is not None
    assert model.logging.folder == Path("/log")
    assert (model.logging.prefix, model.logging.sampling_rate) == ("ads", 0.25)


def test_model_config_takes_the_deprecated_model_type(tmp_path: Path) -> None:
    (model,) = _read(tmp_path, 'config { name: "a" base_path: "/a" model_type: TENSORFLOW }')
    assert model == ModelSettings("a", Path("/a"))


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            [_one(), _one(name="shop"), _one()],
            "Illegal to list model ads multiple times in config list (FILE:4)",
        ),
        (
            [_one(), 'config { name: "b" base_path: "models/b" model_platform: "tensorflow" }'],
            "Expected model b to have an absolute path or URI; got base_path()=models/b (FILE:3)",
        ),
        (
            ['config { name: "b" model_platform: "tensorflow" }'],
            "Expected model b to have an absolute path or URI; got base_path()= (FILE)",
        ),
        (
            ['config { name: "b" base_path: "gs://x/b" model_platform: "tensorflow" }'],
            "Expected model b to have a local path; got base_path()=gs://x/b (FILE:2)",
        ),
        (
            ['config { name: "b" base_path: "/b" }'],
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform, model name is b (FILE)",
        ),
        (
            [_one(), 'config { name: "b" base_path: "/b" model_platform: "onnx" }'],
            "Model b requests unsupported platform onnx (FILE:3)",
        ),
        (
            ['config { name: "b" base_path: "/b" model_type: OTHER }'],
            "ModelServerConfig::model_type choice 2 not supported. (FILE:2)",
        ),
        (
            [_one("model_type: TENSORFLOW")],
            "Illegal setting both ModelServerConfig::model_type (deprecated) and "
            "ModelServerConfig::model_platform, model name is ads (FILE:2)",
        ),
        (
            [_one(), _one("logging_config { }", name="b")],
            "logging_config.log_collector_config.type must be 'tfrecord'; got '' (FILE:3)",
        ),
        ([_one(name="")], "name must not be empty; got '' (FILE:2)"),
    ],
)
def test_model_config_that_cannot_be_served_names_its_line(
    tmp_path: Path, models: list[str], message: str
) -> None:
    whole = message.replace("FILE", str(tmp_path / "models.config"))
    with pytest.raises(ConfigError, match=f"^{re.escape(whole)}$"):
        _read(tmp_path, *models)


def test_model_config_file_must_hold_a_list(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    for text in ("", 'custom_model_config { type_url: "x" }'):
        file.write_text(text)
        with pytest.raises(ConfigError, match="must hold a model_config_list; got none"):
            read_models(file)
    file.write_text("model_config_list { }")
    assert read_models(file) == ()


def test_models_of_a_request_without_a_list_is_refused_in_tensorflow_servings_words() -> None:
    with pytest.raises(InvalidSetting, match=r"^ServerModelConfig type not supported by Handle"):
        models_of(model_server_config_pb2.ModelServerConfig())
