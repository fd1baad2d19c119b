"""Looking for data files wherever a URI leads, before a run and as TFX's driver does in it."""

import hashlib
from collections.abc import Iterable

from tfx.dsl.io import fileio

from rankbeam.components.example_gen.paths import FileFinder
from rankbeam.components.remote.files import is_remote, os_errors
from rankbeam.transform.errors import EnvironmentFault


class _RemoteFiles:
    def __init__(self, local: FileFinder) -> None:
        self._local = local

    def glob(self, pattern: str) -> list[str]:
        if not is_remote(pattern):
            return self._local.glob(pattern)
        try:
            with os_errors():
                return [str(path).rstrip("/") for path in fileio.glob(pattern)]
        except OSError as error:
            raise EnvironmentFault(
                f"data.source.path must be in a place that can be reached; got {pattern}: {error}"
            ) from error

    def is_folder(self, path: str) -> bool:
        if not is_remote(path):
            return self._local.is_folder(path)
        with os_errors():
            return bool(fileio.isdir(path))

    def is_readable(self, path: str) -> bool:
        # To know more than that it is listed would mean to read it.
        return is_remote(path) or self._local.is_readable(path)


def remote_files(local: FileFinder) -> FileFinder:
    """Finds files behind URIs, and others by `local`."""
    return _RemoteFiles(local)


def facts_digest(files: Iterable[str]) -> str:
    """Hexadecimal digest of files' paths, sizes and times of modification, in their order.

    Raises:
        EnvironmentFault: A file is gone, or the place cannot be reached.
    """
    digest = hashlib.sha256()
    for file in files:
        try:
            with os_errors():
                facts = fileio.stat(file)
        except OSError as error:
            raise EnvironmentFault(f"{file} must stay where it is; {error}") from error
        size = getattr(facts, "length", None) or getattr(facts, "st_size", 0)
        changed = getattr(facts, "mtime_nsec", None) or getattr(facts, "st_mtime_ns", 0)
        digest.update(f"{file}\0{size}\0{changed}\0".encode())
    return digest.hexdigest()
