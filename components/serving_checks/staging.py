"""A copy of a model as a server wants it: the one version of a base path of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from tfx.utils import io_utils

from rankbeam.serving.versions import SAVED_MODEL_FILE
from rankbeam.transform.errors import EnvironmentFault

MODEL_NAME = "rehearsal"
"""The name that the copy is served under."""

_VERSION = "1"


@contextmanager
def staged_version(model_path: str) -> Iterator[Path]:
    """A copy of the model as the one version of a base path, gone after the block.

    Raises:
        EnvironmentFault: the copy cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="rankbeam-rehearsal-") as folder:
        version = Path(folder) / _VERSION
        try:
            io_utils.copy_dir(model_path, str(version))
        except (OSError, tf.errors.OpError) as error:
            raise EnvironmentFault(f"cannot copy {model_path} to {version}: {error}") from error
        if not (version / SAVED_MODEL_FILE).is_file():
            raise EnvironmentFault(f"model must hold a SavedModel; {model_path} holds none")
        yield version
