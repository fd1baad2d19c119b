"""Finding files, local or wherever a URI leads, and naming their faults."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import tensorflow as tf
from tfx.dsl.io import fileio

from rankbeam.components.example_gen.paths import is_data_file_name
from rankbeam.components.remote.files import download, is_remote, os_errors
from rankbeam.transform.errors import DataError, EnvironmentFault

_READER_ERRORS = (
    pa.ArrowException,
    OSError,
    RuntimeError,
    UnicodeDecodeError,
    tf.errors.OpError,
)


def list_files(pattern: str) -> tuple[str, ...]:
    """The data files that a glob matches, in name order, or that are right in folders it matches.

    Folders beside files do not count.

    Raises:
        DataError: There is none.
        EnvironmentFault: The place cannot be reached.
    """
    try:
        with os_errors():
            matches = sorted(fileio.glob(pattern))
            if matches and all(map(fileio.isdir, matches)):
                matches = sorted(fileio.glob(f"{pattern.rstrip('/')}/*"))
            files = tuple(p for p in matches if is_data_file_name(p) and not fileio.isdir(p))
    except OSError as error:
        raise EnvironmentFault(
            f"data.source.path must be in a place that can be reached; got {pattern}: {error}"
        ) from error
    if not files:
        raise DataError(f"data.source.path must lead to files; none match {pattern}")
    return files


@contextmanager
def local_copy(path: str) -> Iterator[str]:
    """Where a file can be read by Arrow: itself, or a temporary copy of a remote one.

    Handing Arrow a Python object to read from is no way out: its CSV reader reads ahead in a
    thread, and waits for that thread with the interpreter locked when it is dropped early.
    """
    if not is_remote(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(path))
        download(path, Path(copy))
        yield copy


@contextmanager
def reading(path: str, what: str) -> Iterator[None]:
    """Turn what the readers raise into one error that names the file.

    Args:
        path: The file.
        what: What the file must be, such as "CSV text".

    Raises:
        DataError: The body failed to read the file.
    """
    try:
        yield
    except _READER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} must be readable as {what}; {_shortened(reason)}") from error


def _shortened(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
