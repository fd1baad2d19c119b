"""Finding and opening files, local or of any file system that TensorFlow knows."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import tensorflow as tf

from rankbeam.components.example_gen.paths import is_data_file_name
from rankbeam.transform.errors import DataError


def list_files(pattern: str) -> tuple[str, ...]:
    """The data files that a glob matches, in name order; folders do not count.

    Raises:
        DataError: There is none.
    """
    matches = sorted(tf.io.gfile.glob(pattern))
    files = tuple(p for p in matches if is_data_file_name(p) and not tf.io.gfile.isdir(p))
    if not files:
        raise DataError(f"data.source.path must lead to files; none match {pattern}")
    return files


def open_file(path: str) -> pa.NativeFile:
    """Open for reading, at any place in the file."""
    if "://" in path:
        return pa.PythonFile(_Remote(path), mode="r")
    return pa.OSFile(path)


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
    except (pa.ArrowException, OSError, RuntimeError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} must be readable as {what}; {_shortened(reason)}") from error


def _shortened(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


class _Remote:
    """A TensorFlow file as Python's protocol for files has it."""

    def __init__(self, path: str) -> None:
        self._file = tf.io.gfile.GFile(path, "rb")
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        self.closed = True
