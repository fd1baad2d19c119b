"""Where a split's examples are, and how they are read: record by record in C++, batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from rankbeam.transform.errors import DataError, EnvironmentFault

BATCH_ROWS = 4_096
"""Rows of a batch. From 1,000 rows on the cost of a row hardly falls; memory grows with them."""
_READ_BUFFER_BYTES = 1 << 20
# TensorFlow decodes its messages, which may quote values, as UTF-8.
_BAD_ROWS = (tf.errors.InvalidArgumentError, tf.errors.DataLossError, UnicodeDecodeError)


def split_files(folder: str) -> tuple[str, ...]:
    """The files of a split's folder, in order of name."""
    return tuple(sorted(tf.io.gfile.glob(f"{folder}/*")))


def record_dataset(file: str) -> tf.data.Dataset:
    """Batches of serialized tf.Examples, string (B,), of one TFRecord file, gzipped or not."""
    compression = "GZIP" if file.endswith(".gz") else ""
    return tf.data.TFRecordDataset(file, compression, _READ_BUFFER_BYTES).batch(BATCH_ROWS)


@contextmanager
def reading(file: str) -> Iterator[None]:
    """Hold errors of what rows hold, in a block that reads them, against the data.

    Others pass as they are: a disk that fails, or a defect of ours, is none of theirs.

    Args:
        file: What is read, for the message.

    Raises:
        DataError: TensorFlow cannot read, parse or transform the rows.
    """
    try:
        yield
    except _BAD_ROWS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{file} must hold examples that fit the schema; {reason}") from error


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Hold TensorFlow's errors in a block that does nothing but write against the machine.

    Args:
        place: What is written, for the message.

    Raises:
        EnvironmentFault: TensorFlow raised an error in the block.
    """
    try:
        yield
    except tf.errors.OpError as error:
        raise EnvironmentFault(f"cannot write {place}: {error.message}") from error
