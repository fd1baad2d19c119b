"""Settings of a model's request log, by default or from TensorFlow Serving's LoggingConfig."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rankbeam.transform.errors import ConfigError

if TYPE_CHECKING:
    from tensorflow_serving.config import logging_config_pb2

_TYPE = "tfrecord"

Put = Callable[[Path, str], None]
"""Copies a file to a place, whole or not at all; raises OSError."""


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Where finished files of a log are moved to.

    Attributes:
        place: a folder, or its URI; spans are below it.
        put: copies a file there.
    """

    place: str
    put: Put


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """Where a model's requests are logged, and how many.

    Attributes:
        folder: the log's folder; spans are below it.
        prefix: what file names begin with, before the model's name.
        sampling_rate: the fraction of requests to log, 0 to 1.
        rotate_bytes: a file of this size is finished.
        rotate_s: a file of this age in seconds is finished.
        max_queued: sampled requests that may wait to be written; more are dropped.
        max_queued_bytes: bytes of them, with their answers; likewise.
        archive: where finished files are moved to; None leaves them.
    """

    folder: Path
    prefix: str = ""
    sampling_rate: float = 1.0
    rotate_bytes: int = 64 << 20
    rotate_s: float = 600.0
    max_queued: int = 1000
    max_queued_bytes: int = 64 << 20
    archive: ArchiveSettings | None = None


def from_proto(config: "logging_config_pb2.LoggingConfig") -> LoggingSettings:
    """The settings that a model config file gives; what it cannot say has our defaults.

    `filename_prefix` is a folder and what file names begin with. A missing `sampling_config` means
    a rate of 0, as in TensorFlow Serving: nothing is logged.

    Raises:
        ConfigError: Another type than `tfrecord`, no prefix, one that is not on a local disk, a
            rate outside 0 to 1, or attributes, which this server's requests do not have.
    """
    collector, sampling = config.log_collector_config, config.sampling_config
    where = "logging_config."
    if collector.type != _TYPE:
        raise ConfigError(
            f"{where}log_collector_config.type must be {_TYPE!r}; got {collector.type!r}"
        )
    prefix = collector.filename_prefix
    if not prefix or "://" in prefix:
        raise ConfigError(
            f"{where}log_collector_config.filename_prefix must be a path on a local disk; "
            f"got {prefix!r}"
        )
    rate = sampling.sampling_rate
    if math.isnan(rate) or not 0 <= rate <= 1:
        raise ConfigError(f"{where}sampling_config.sampling_rate must be in 0 to 1; got {rate}")
    if sampling.attributes:
        raise ConfigError(
            f"{where}sampling_config.attributes must be 0: requests have neither origin nor "
            f"criticality here; got {sampling.attributes}"
        )
    folder, name = os.path.split(prefix)
    return LoggingSettings(Path(folder or "."), name, sampling_rate=rate)
