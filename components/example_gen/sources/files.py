"""Finding files, local or in any file system that TensorFlow knows, and naming their faults."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import tensorflow as tf

from rankbeam.components.example_gen.paths import is_data_file_name
from rankbeam.transform.errors import DataError

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
    """
    matches = sorted(tf.io.gfile.glob(pattern))
    if matches and all(map(tf.io.gfile.isdir, matches)):
        matches = sorted(tf.io.gfile.glob(f"{pattern.rstrip('/')}/*"))
    files = tuple(p for p in matches if is_data_file_name(p) and not tf.io.gfile.isdir(p))
    if not files:
        raise DataError(f"data.source.path must lead to files; none match {pattern}")
    return files


@contextmanager
def local_copy(path: str) -> Iterator[str]:
    """Where a file can be read by Arrow: itself, or a temporary copy of a remote one.

    Handing Arrow a Python object to read from is no way out: its CSV reader reads ahead in a
    thread, and waits for that thread with the interpreter locked when it is dropped early.
    """
    if "://" not in path:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, os.path.basename(path))
        tf.io.gfile.copy(path, copy)
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
