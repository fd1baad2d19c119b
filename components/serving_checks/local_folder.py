"""A model's folder as a path of this machine, wherever it is kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from tfx.utils import io_utils

from rankbeam.transform.errors import EnvironmentFault


@contextmanager
def local_folder(uri: str) -> Iterator[Path]:
    """The folder itself, or a copy of a remote one (gs://..., s3://...) for the block's time.

    Raises:
        EnvironmentFault: The copy cannot be made.
    """
    if "://" not in uri:
        yield Path(uri)
        return
    with tempfile.TemporaryDirectory(prefix="rankbeam-copy-") as folder:
        copy = Path(folder) / "copy"
        try:
            io_utils.copy_dir(uri, str(copy))
        except (OSError, tf.errors.OpError) as error:
            raise EnvironmentFault(f"cannot copy {uri} to {copy}: {error}") from error
        yield copy
