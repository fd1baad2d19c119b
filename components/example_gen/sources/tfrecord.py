"""TFRecord files of tf.Example."""

import os
from collections.abc import Iterator

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from rankbeam.components.example_gen.sources.files import local_copy, reading
from rankbeam.transform.errors import DataError

_BATCH_ROWS = 8_192
_FRAME_BYTES = 8 + 4 + 4
"""Length, and checksums of the length and of the record."""
_CHUNK_BYTES = 1 << 20


def read_tfrecord(path: str) -> Iterator[pa.RecordBatch]:
    """Batches of list columns, each with the features that its own rows have.

    Raises:
        DataError: The file is no TFRecord file, is damaged, or a record is no tf.Example.
    """
    gzipped = path.endswith(".gz")
    decoder = ExamplesToRecordBatchDecoder()
    size = 0
    with reading(path, "TFRecord of tf.Example" + " in gzip" * gzipped), local_copy(path) as copy:
        records = tf.data.TFRecordDataset(copy, "GZIP" if gzipped else "")
        for batch in records.batch(_BATCH_ROWS).as_numpy_iterator():
            examples = batch.tolist()
            size += _FRAME_BYTES * len(examples) + sum(map(len, examples))
            yield decoder.DecodeBatch(examples)
        # TensorFlow takes a few odd bytes at the end, such as half a frame, for the end itself.
        held = _size(copy, gzipped)
        if size != held:
            raise DataError(
                f"{path} must be readable as TFRecord of tf.Example; "
                f"got {held - size} bytes after the last whole record"
            )


def _size(path: str, gzipped: bool) -> int:
    if not gzipped:
        return os.path.getsize(path)
    size = 0
    with pa.input_stream(path, compression="gzip") as content:
        while chunk := content.read(_CHUNK_BYTES):
            size += len(chunk)
    return size
