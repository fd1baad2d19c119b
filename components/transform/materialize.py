"""Transforms one file of examples to another, batch by batch."""

import uuid
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from rankbeam.components.example_batches.records import record_dataset
from rankbeam.components.example_gen.tf_example import encode_examples
from rankbeam.transform.errors import EnvironmentFault

# As ExampleGen's: level 6 takes four times as long and saves a quarter of the space.
_GZIP_LEVEL = 1


class FilePair(NamedTuple):
    """What to transform.

    Attributes:
        source: File of serialized tf.Examples.
        target: File to write.
        unfinished: Folder for the file until it is whole.
    """

    source: str
    target: str
    unfinished: str


class TransformFile(beam.DoFn):
    """Transforms a file with a written transform graph; equal files become equal bytes.

    Args:
        graph: Folder of the transform graph.
        schema: The raw examples' schema, serialized.
    """

    def __init__(self, graph: str, schema: bytes) -> None:
        super().__init__()
        self._graph = graph
        self._schema = schema

    def process(self, element: FilePair, written: Any) -> None:
        """Writes `element.target`.

        Args:
            element: What to transform.
            written: Comes when the graph is written.

        Raises:
            EnvironmentFault: The file cannot be written.
        """
        del written
        layer = tft.TFTransformOutput(self._graph).transform_features_layer()
        schema = schema_pb2.Schema.FromString(self._schema)
        spec = schema_utils.schema_as_feature_spec(schema).feature_spec

        def transform(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            columns: dict[str, tf.Tensor] = layer(tf.io.parse_example(examples, spec))
            return columns

        dataset = record_dataset(element.source).map(transform).prefetch(2)
        unfinished = f"{element.unfinished}-{uuid.uuid4().hex}.gz"
        try:
            _write(dataset, unfinished)
            tf.io.gfile.rename(unfinished, element.target, overwrite=True)
        except tf.errors.ResourceExhaustedError as error:
            raise EnvironmentFault(f"cannot write {element.target}: {error.message}") from error


def _write(dataset: tf.data.Dataset, file: str) -> None:
    tf.io.gfile.makedirs(file.rpartition("/")[0])
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=_GZIP_LEVEL)
    with tf.io.TFRecordWriter(file, options) as writer:
        for columns in dataset:
            batch = pa.RecordBatch.from_pydict(
                {name: _lists(column.numpy()) for name, column in columns.items()}
            )
            for record in encode_examples(batch):
                writer.write(record)


def _lists(rows: Any) -> pa.ListArray:
    """(B, V) values as B lists."""
    offsets = np.arange(rows.shape[0] + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(offsets, rows.reshape(-1))
