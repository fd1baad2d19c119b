"""Which of Beam's file systems a path is in, with the options that it needs."""

import functools
import os
import shlex
from typing import Any

from apache_beam.io import filesystems
from apache_beam.io.aws import s3io
from apache_beam.io.filesystem import FileSystem
from apache_beam.options.pipeline_options import PipelineOptions

from rankbeam.transform.errors import ConfigError, EnvironmentFault

OPTIONS_VARIABLE = "RANKBEAM_FILE_OPTIONS"
"""Environment variable with Beam's options for its file systems, as on a command line."""


def beam_file_system(path: str) -> FileSystem:
    """Beam's file system for a path with a scheme.

    `FileSystems`, Beam's own way in, is not used: each Beam pipeline of a process leaves its
    options there.

    Raises:
        ConfigError: The options are unknown to Beam.
        EnvironmentFault: Beam knows no such scheme, lacks a package for it, or lacks an option.
    """
    return _file_system(filesystems.FileSystems.get_scheme(path), os.environ.get(OPTIONS_VARIABLE))


def s3_client() -> Any:
    """boto3's client for s3://, as Beam makes it: for what Beam's file system leaves out.

    Raises:
        ConfigError: The options are unknown to Beam.
    """
    return s3io.S3IO(options=_options(os.environ.get(OPTIONS_VARIABLE))).client.client


def _options(text: str | None) -> PipelineOptions:
    words = shlex.split(text or "")
    known = PipelineOptions([]).get_all_options()
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        if word.startswith("-") and name not in known:
            raise ConfigError(f"{OPTIONS_VARIABLE} must hold options of Beam; got {word}")
    return PipelineOptions(words)


@functools.cache
def _file_system(scheme: str | None, options: str | None) -> FileSystem:
    known = _options(options)
    for each in FileSystem.get_all_subclasses():
        if each.scheme() == scheme:
            try:
                return each(known)
            except ImportError as error:
                raise EnvironmentFault(f"{scheme}:// must have Beam's package; {error}") from error
            except ValueError as error:
                raise EnvironmentFault(
                    f"{OPTIONS_VARIABLE} must hold what {scheme}:// needs; got {error}"
                ) from error
    raise EnvironmentFault(f"paths must have a scheme that Beam knows; got {scheme}://")
