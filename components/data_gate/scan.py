"""Reads the labels of a split's examples, in batches."""

from collections.abc import Sequence

import tensorflow as tf

from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.data_gate.tally import RaggedColumn, SplitTally
from rankbeam.transform.errors import GateError

BATCH_ROWS = 8192
_READ_BUFFER_BYTES = 1 << 20


def scan(files: Sequence[str], columns: Sequence[str], options: DataGateOptions) -> SplitTally:
    """Count labels, funnel violations and integers outside their domain.

    Args:
        files: TFRecord files of tf.Example, in order; those that end with .gz are gzipped.
        columns: Integer columns to read: the labels, and columns with a closed domain.
        options: What to look for.

    Raises:
        GateError: A file is corrupt, or a column holds anything but integers.
    """
    tally = SplitTally(options)
    features = {name: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64) for name in columns}
    try:
        for path in files:
            compression = "GZIP" if path.endswith(".gz") else ""
            records = tf.data.TFRecordDataset(path, compression, _READ_BUFFER_BYTES)
            for batch in records.batch(BATCH_ROWS).prefetch(1):
                parsed = tf.io.parse_example(batch, features)
                tally.add({name: _ragged(parsed[name]) for name in columns}, batch.numpy())
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        names = ", ".join(columns)
        reason = str(error.message).splitlines()[0]
        raise GateError(f"columns {names} must be readable as integers; {reason}") from None
    return tally


def _ragged(tensor: tf.RaggedTensor) -> RaggedColumn:
    return RaggedColumn(tensor.values.numpy(), tensor.row_lengths().numpy())


def row_name(record: bytes, ids: Sequence[str]) -> str:
    """`user_id=7, offer_id=a` of a serialized tf.Example; "" where it has none of `ids`."""
    features = tf.train.Example.FromString(record).features.feature
    named = [f"{name}={_value(features[name])}" for name in ids if name in features]
    return ", ".join(named)


def _value(feature: tf.train.Feature) -> str:
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value if kind is not None else ()
    if not values:
        return "missing"
    value = values[0]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
