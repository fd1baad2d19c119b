"""Copies between this machine and wherever a URI leads. Whoever handles URIs imports this module.

Reading and writing goes through `tfx.dsl.io.fileio`: Google's client for gs://, Beam's file systems
for what TensorFlow does not know (s3://, hdfs://, azfs://), TensorFlow's for the rest (ram://).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from tfx.dsl.io import fileio

from rankbeam.components.remote.beam_files import send_to_beam
from rankbeam.components.remote.streams import COPY_BYTES

_BEAMS = ("s3", "hdfs", "azfs")

send_to_beam("gs", *(set(_BEAMS) - set(tf.io.gfile.get_registered_schemes())))


def is_remote(path: str) -> bool:
    """Whether a path has a scheme."""
    return "://" in path


@contextmanager
def os_errors() -> Iterator[None]:
    """Let TensorFlow's errors of files be what Python's and Beam's are.

    Raises:
        OSError: The body raised any of them.
    """
    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(error.message) from error
    except tf.errors.OpError as error:
        raise OSError(error.message) from error
    except fileio.NotFoundError as error:
        raise FileNotFoundError(str(error) or "nothing is there") from error


def read_bytes(path: str) -> bytes:
    """A file's content.

    Raises:
        OSError: It cannot be read.
    """
    with os_errors(), fileio.open(path, "rb") as file:
        content: bytes = file.read()
        return content


def write_bytes(path: str, content: bytes) -> None:
    """Write a file, in new folders where need be.

    Raises:
        OSError: It cannot be written.
    """
    with os_errors():
        fileio.makedirs(path.rpartition("/")[0])
        with fileio.open(path, "wb") as file:
            file.write(content)


def download(path: str, target: Path) -> None:
    """Copy a file to this machine, in bounded memory.

    Raises:
        OSError: It cannot be read, or the copy cannot be written.
    """
    with os_errors(), fileio.open(path, "rb") as source, target.open("wb") as copy:
        while chunk := source.read(COPY_BYTES):
            copy.write(chunk)


def upload(source: Path, path: str) -> None:
    """Copy a file from this machine, in new folders where need be, in bounded memory.

    Raises:
        OSError: It cannot be read, or the copy cannot be written.
    """
    with os_errors():
        fileio.makedirs(path.rpartition("/")[0])
        with source.open("rb") as file, fileio.open(path, "wb") as copy:
            while chunk := file.read(COPY_BYTES):
                copy.write(chunk)


def download_folder(uri: str, target: Path) -> None:
    """Copy a folder with all that is in it to this machine; `target` is made.

    Raises:
        OSError: It cannot be read, or the copy cannot be written.
    """
    base = uri.rstrip("/")
    with os_errors():
        target.mkdir(parents=True)
        for folder, _, names in fileio.walk(base):
            below = target / folder.rstrip("/")[len(base) :].strip("/")
            below.mkdir(parents=True, exist_ok=True)
            for name in names:
                download(f"{folder.rstrip('/')}/{name}", below / name)
