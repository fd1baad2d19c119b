"""Builds tf.Examples, their files and their statistics for the tests of components."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf
from tensorflow_data_validation.statistics import stats_impl, stats_options
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.coders import example_coder

Value = str | int | float | list[str] | list[int] | list[float] | None
Row = Mapping[str, Value]


def encode(rows: Sequence[Row]) -> list[bytes]:
    """Serialized tf.Examples; None is an absent feature, an empty list one without a kind."""
    return [_example(row).SerializeToString() for row in rows]


def _example(row: Row) -> tf.train.Example:
    features = {
        name: _feature(value if isinstance(value, list) else [value])
        for name, value in row.items()
        if value is not None
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def _feature(values: list[str] | list[int] | list[float] | list[str | int | float]) -> object:
    if not values:
        return tf.train.Feature()
    if isinstance(values[0], str):
        texts = [str(value).encode() for value in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def statistics_of(rows: Sequence[Row]) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics as StatisticsGen computes them."""
    if not rows:
        # What StatisticsGen writes for a split without rows.
        empty = statistics_pb2.DatasetFeatureStatisticsList()
        empty.datasets.add()
        return empty
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(encode(rows))
    return stats_impl.generate_statistics_in_memory(batch, stats_options.StatsOptions())


def write_records(folder: Path, rows: Sequence[Row], shards: int = 1) -> None:
    """Write `rows` as gzipped TFRecord shards, in order, as ExampleGen names them."""
    folder.mkdir(parents=True, exist_ok=True)
    records = encode(rows)
    for shard in range(shards):
        part = records[shard * len(rows) // shards : (shard + 1) * len(rows) // shards]
        path = folder / f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
            for record in part:
                writer.write(record)


def tear(file: Path) -> None:
    """Ends a gzipped TFRecord file within its last record.

    The rows' bytes differ from process to process, as protobuf orders a map; a cut through the
    compressed bytes would at times fall between two records, where TensorFlow sees none missing.
    """
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-5]))
