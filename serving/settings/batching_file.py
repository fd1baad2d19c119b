"""TensorFlow Serving's batching parameters file."""

from pathlib import Path
from typing import Any

from rankbeam.serving.settings import protos, text
from rankbeam.serving.settings.batching import BatchingSettings


def read_batching(path: Path) -> BatchingSettings:
    """The settings of a `--batching_parameters_file`; what it leaves out has its default.

    Raises:
        ConfigError: it cannot be read, is no BatchingParameters, or breaks a rule.
    """
    return text.read(path, protos.BatchingParameters, "batching_parameters_file").convert(_of)


def _of(config: Any) -> BatchingSettings:
    values: dict[str, Any] = {}
    for field, value in config.ListFields():
        if field.message_type is not None:
            values[field.name] = value.value
        elif field.name == "allowed_batch_sizes":
            values[field.name] = tuple(value)
        else:
            values[field.name] = value
    return BatchingSettings(**values)
