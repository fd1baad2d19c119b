"""TFRecord files of transformed examples, as Transform writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

PARSE_SPEC = {
    "device": tf.io.FixedLenFeature([1], tf.int64),
    "interests": tf.io.FixedLenFeature([3], tf.int64),
    "age": tf.io.FixedLenFeature([1], tf.float32),
    "age__missing": tf.io.FixedLenFeature([1], tf.float32),
    "click": tf.io.FixedLenFeature([1], tf.float32),
    "conversion": tf.io.FixedLenFeature([1], tf.float32),
}
"""How to parse the columns of `tests.trainer.layouts.small_columns`."""


def write_records(path: Path, columns: Mapping[str, Any]) -> None:
    """Writes one example for each row; a path ending in .gz is gzipped."""
    compression = "GZIP" if path.suffix == ".gz" else ""
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression)) as writer:
        for row in range(len(next(iter(columns.values())))):
            feature = {name: _feature(values[row]) for name, values in columns.items()}
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())


def _feature(values: Any) -> tf.train.Feature:
    if values.dtype == np.float32:
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
