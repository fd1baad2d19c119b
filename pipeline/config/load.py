"""From a YAML file to a checked config."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from rankbeam.components.evaluator.checks import check_evaluation
from rankbeam.pipeline.config.document import Document, read_document
from rankbeam.pipeline.config.messages import describe
from rankbeam.pipeline.config.rules import breaches
from rankbeam.pipeline.config.schema import RankbeamConfig
from rankbeam.transform.errors import ConfigError


@dataclass(frozen=True)
class LoadedConfig:
    """A valid config and where it came from.

    Attributes:
        config: The sections.
        file: The YAML file.
        base_dir: Folder that relative data paths start from.
    """

    config: RankbeamConfig
    file: Path
    base_dir: Path


def load_config(file: Path, data_dir: Path | None = None) -> LoadedConfig:
    """Read and check a config.

    Args:
        file: The YAML file.
        data_dir: Folder that relative data paths start from; by default the file's own.

    Raises:
        ConfigError: Anything is wrong; all findings are listed, one a line.
    """
    document = read_document(file)
    config = _validate(document)
    findings = [f"{b.message} ({document.where(b.place)})" for b in breaches(config)]
    if not findings:
        findings = [
            f"{message} ({document.where(place)})"
            for place, message in check_evaluation(config.evaluation, config.evaluated_outputs)
        ]
    if findings:
        raise ConfigError("\n".join(findings))
    base_dir = data_dir if data_dir is not None else file.parent
    return LoadedConfig(config, file.resolve(), base_dir.resolve())


def _validate(document: Document) -> RankbeamConfig:
    try:
        return RankbeamConfig.model_validate(document.value)
    except ValidationError as error:
        findings = [describe(dict(item), document, RankbeamConfig) for item in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(findings))) from None
