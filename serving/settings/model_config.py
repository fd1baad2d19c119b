"""TensorFlow Serving's model config: from its proto, and from the file that holds it as text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tensorflow_serving.config import model_server_config_pb2

from rankbeam.serving.policy import LATEST, All, Latest, Specific, VersionPolicy
from rankbeam.serving.settings import logging, text
from rankbeam.serving.settings.checks import InvalidSetting
from rankbeam.serving.settings.model import ModelSettings, by_name, local_base_path
from rankbeam.transform.errors import ConfigError

_PLATFORM = "tensorflow"
_Config: TypeAlias = model_server_config_pb2.ModelConfig


def read_models(path: Path) -> tuple[ModelSettings, ...]:
    """The models of a `--model_config_file`.

    Raises:
        ConfigError: it cannot be read, is no ModelServerConfig, or asks for what is not served.
    """
    file = text.read(path, model_server_config_pb2.ModelServerConfig, "model_config_file")
    if file.message.WhichOneof("config") != "model_config_list":
        raise ConfigError(f"model_config_file must hold a model_config_list; got none ({path})")
    return file.convert(models_of)


def models_of(config: model_server_config_pb2.ModelServerConfig) -> tuple[ModelSettings, ...]:
    """The models of a ModelServerConfig; the words for what is wrong are TensorFlow Serving's.

    Raises:
        InvalidSetting: it is no model config list, or one of its models cannot be served.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise InvalidSetting(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
            "ModelConfigList is currently supported",
            "custom_model_config",
        )
    models = config.model_config_list.config
    return tuple(by_name(_model(models, index) for index in range(len(models))).values())


def _model(models: Sequence[_Config], index: int) -> ModelSettings:
    model = models[index]
    before = models[:index]
    _check_platform(model, sum(bool(other.model_platform) for other in before))
    base_path = _base_path(model, sum(bool(other.base_path) for other in before))
    log = None
    if model.HasField("logging_config"):
        try:
            log = logging.from_proto(model.logging_config)
        except ConfigError as error:
            logged = sum(other.HasField("logging_config") for other in before)
            raise InvalidSetting(str(error), "logging_config", logged) from error
    try:
        return ModelSettings(
            name=model.name,
            base_path=base_path,
            policy=_policy(model.model_version_policy),
            labels=dict(model.version_labels),
            logging=log,
        )
    except InvalidSetting as error:
        error.occurrence = index
        raise


def _check_platform(model: _Config, occurrence: int) -> None:
    platform = model.model_platform
    types = model_server_config_pb2.ModelType
    if model.model_type != types.MODEL_TYPE_UNSPECIFIED:
        if platform:
            raise InvalidSetting(
                "Illegal setting both ModelServerConfig::model_type (deprecated) and "
                f"ModelServerConfig::model_platform, model name is {model.name}",
                "model_platform",
                occurrence,
            )
        if model.model_type != types.TENSORFLOW:
            raise InvalidSetting(
                f"ModelServerConfig::model_type choice {model.model_type} not supported.",
                "model_type",
            )
    elif not platform:
        raise InvalidSetting(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {model.name}",
            "model_platform",
            occurrence,
        )
    elif platform != _PLATFORM:
        raise InvalidSetting(
            f"Model {model.name} requests unsupported platform {platform}",
            "model_platform",
            occurrence,
        )


def _base_path(model: _Config, occurrence: int) -> Path:
    try:
        return local_base_path(model.name, model.base_path)
    except InvalidSetting as error:
        error.occurrence = occurrence
        raise


def _policy(policy: Any) -> VersionPolicy:
    """From a ServableVersionPolicy, whose nested class type checkers do not see."""
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return All()
    if choice == "specific":
        return Specific(frozenset(policy.specific.versions))
    if choice == "latest" and policy.latest.num_versions:
        return Latest(policy.latest.num_versions)
    return LATEST
