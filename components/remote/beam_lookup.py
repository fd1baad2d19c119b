"""Which of Beam's file systems a path is in, with the options that it needs."""

import functools
import os
import shlex
from collections.abc import Callable
from typing import Any, TypeAlias

from apache_beam.io import filesystems
from apache_beam.io.filesystem import FileSystem
from apache_beam.options.pipeline_options import PipelineOptions
from botocore.exceptions import BotoCoreError

from rankbeam.components.remote.gcs_files import GcsFiles
from rankbeam.components.remote.hdfs_files import HdfsFiles
from rankbeam.components.remote.s3_files import S3Files
from rankbeam.transform.errors import ConfigError, EnvironmentFault

OPTIONS_VARIABLE = "RANKBEAM_FILE_OPTIONS"
"""Environment variable with Beam's options for its file systems, as on a command line."""

Files: TypeAlias = FileSystem | S3Files | HdfsFiles | GcsFiles
"""Beam's file systems, and ours in the place of three of them."""


def beam_file_system(path: str) -> Files:
    """Beam's file system for a path with a scheme; ours for s3://, gs:// and hdfs://.

    `FileSystems`, Beam's own way in, is not used: each Beam pipeline of a process leaves its
    options there.

    Raises:
        ConfigError: The options are unknown to Beam.
        EnvironmentFault: Beam knows no such scheme, lacks a package for it, or lacks an option.
    """
    scheme = filesystems.FileSystems.get_scheme(path)
    # Connections must not be shared with a process that this one was forked from.
    return _file_system(scheme, os.environ.get(OPTIONS_VARIABLE), os.getpid())


# Those of Beam's that fail in ways that users cannot understand are put right.
_OURS: dict[str | None, Callable[[PipelineOptions], Any]] = {
    "gs": GcsFiles,
    "hdfs": HdfsFiles,
    "s3": S3Files,
}


def _options(text: str | None) -> PipelineOptions:
    words = shlex.split(text or "")
    known = PipelineOptions([]).get_all_options()
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        if word.startswith("-") and name not in known:
            raise ConfigError(f"{OPTIONS_VARIABLE} must hold options of Beam; got {word}")
    return PipelineOptions(words)


@functools.cache
def _file_system(scheme: str | None, options: str | None, process: int) -> Files:
    known = _options(options)
    make = _OURS.get(scheme) or _of_beam(scheme)
    try:
        return make(known)
    except ImportError as error:
        raise EnvironmentFault(f"{scheme}:// must have Beam's package; {error}") from error
    except (ValueError, BotoCoreError) as error:
        raise EnvironmentFault(
            f"{OPTIONS_VARIABLE} must hold what {scheme}:// needs; got {error}"
        ) from error


def _of_beam(scheme: str | None) -> type[FileSystem]:
    for each in FileSystem.get_all_subclasses():
        if each.scheme() == scheme:
            found: type[FileSystem] = each
            return found
    raise EnvironmentFault(f"paths must have a scheme that Beam knows; got {scheme}://")
