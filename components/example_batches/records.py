"""Where a split's examples are, and how they are read: record by record in C++, batch by batch."""

import tensorflow as tf

BATCH_ROWS = 4_096
"""Rows of a batch. From 1,000 rows on the cost of a row hardly falls; memory grows with them."""
_READ_BUFFER_BYTES = 1 << 20


def split_files(folder: str) -> tuple[str, ...]:
    """The files of a split's folder, in order of name."""
    return tuple(sorted(tf.io.gfile.glob(f"{folder}/*")))


def record_dataset(file: str) -> tf.data.Dataset:
    """Batches of serialized tf.Examples, string (B,), of one TFRecord file, gzipped or not."""
    compression = "GZIP" if file.endswith(".gz") else ""
    return tf.data.TFRecordDataset(file, compression, _READ_BUFFER_BYTES).batch(BATCH_ROWS)
