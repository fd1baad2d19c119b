"""TFRecord files of tf.Example."""

from collections.abc import Iterator

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from rankbeam.components.example_gen.sources.files import reading

_BATCH_ROWS = 8_192


def read_tfrecord(path: str) -> Iterator[pa.RecordBatch]:
    """Batches of list columns, each with the features that its own rows have.

    Raises:
        DataError: The file is no TFRecord file, is damaged, or a record is no tf.Example.
    """
    compression = "GZIP" if path.endswith(".gz") else ""
    decoder = ExamplesToRecordBatchDecoder()
    with reading(path, "TFRecord of tf.Example" + (", compressed" if compression else "")):
        records = tf.data.TFRecordDataset(path, compression_type=compression)
        for batch in records.batch(_BATCH_ROWS).as_numpy_iterator():
            yield decoder.DecodeBatch(batch.tolist())
