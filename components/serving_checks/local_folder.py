"""A model's folder as a path of this machine, wherever it is kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.components.remote.files import download_folder, is_remote
from rankbeam.transform.errors import EnvironmentFault


@contextmanager
def local_folder(uri: str) -> Iterator[Path]:
    """The folder itself, or a copy of a remote one (gs://..., s3://...) for the block's time.

    Raises:
        EnvironmentFault: The copy cannot be made.
    """
    if not is_remote(uri):
        yield Path(uri)
        return
    with tempfile.TemporaryDirectory(prefix="rankbeam-copy-") as folder:
        copy = Path(folder) / "copy"
        try:
            download_folder(uri, copy)
        except OSError as error:
            raise EnvironmentFault(f"cannot copy {uri} to {copy}: {error}") from error
        yield copy
