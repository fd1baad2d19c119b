"""Batches of transformed examples, from memory where they fit and from disk where they do not.

A split is parsed once, in batches, into one array for each column, and then shuffled as a whole and
cut into batches with NumPy: epochs after the first cost no parsing, and the shuffle is exact. A
split whose arrays would take more than `CACHE_BYTES` is streamed instead, and shuffled within
windows of `SHUFFLE_ROWS` rows. Either way the order depends on the seed and the epoch alone.

Integers are kept as int32: an embedding table has far fewer than 2³¹ rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rankbeam.trainer.shuffling import Arrays, shuffled_batches

CACHE_BYTES = 512 * 2**20
"""Most bytes of parsed columns kept in memory for one split (2 million rows of 64 columns)."""
SHUFFLE_ROWS = 262_144
"""Rows of a streamed split that are shuffled together: 64 columns take 64 MB."""
_LEAST_DEFLATED = 4
"""A file of so many times fewer bytes than the cache is parsed before its rows are counted."""
_PARSE_ROWS = 8_192

Columns = dict[str, Any]
"""Column name to an array or tensor (B, 1) or (B, V)."""
ParseSpec = Mapping[str, Any]
"""Column name to tf.io.FixedLenFeature, as TFTransformOutput.transformed_feature_spec gives it."""


class Batch(NamedTuple):
    """Some rows of a split, as NumPy arrays or tensors.

    Attributes:
        features: Transformed feature to int32 or float32, (B, 1) or (B, V).
        labels: Label column to float32, (B, 1).
    """

    features: Columns
    labels: Columns


class Split(Protocol):
    """Rows that can be read again and again."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def batches(self, size: int, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """All rows once, in batches of `size` (the last may be smaller).

        Args:
            size: Rows of a batch.
            shuffle_seed: Seed of the order; None keeps the stored order.
        """


@dataclass(frozen=True)
class CachedSplit:
    """A split held in memory.

    Attributes:
        columns: Features and labels by name, each an array with one row for each example.
        labels: Names of the label columns among them.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    labels: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def batches(self, size: int, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """All rows once; see `Split.batches`."""
        order = np.arange(self.rows)
        if shuffle_seed is not None:
            np.random.default_rng(shuffle_seed).shuffle(order)
        for start in range(0, self.rows, size):
            chosen = order[start : start + size]
            yield _batch({name: rows[chosen] for name, rows in self.columns.items()}, self.labels)


@dataclass(frozen=True)
class StreamedSplit:
    """A split read from its files in every epoch.

    Attributes:
        files: TFRecord files, in order.
        spec: How to parse an example.
        labels: Names of the label columns.
        rows: Number of rows.
    """

    files: tuple[str, ...]
    spec: ParseSpec
    labels: tuple[str, ...]
    rows: int

    def batches(self, size: int, shuffle_seed: int | None = None) -> Iterator[Batch]:
        """All rows once; see `Split.batches`."""
        records = _records(self.files)
        if shuffle_seed is None:
            for columns in _parsed(records, self.spec, size):
                yield _batch(columns, self.labels)
            return
        parts = map(_arrays, _parsed(records, self.spec, _PARSE_ROWS))
        for rows in shuffled_batches(parts, size, SHUFFLE_ROWS, shuffle_seed):
            yield _batch(rows, self.labels)


def read_split(
    patterns: Sequence[str],
    spec: ParseSpec,
    labels: tuple[str, ...],
    cache_bytes: int = CACHE_BYTES,
) -> Split:
    """Reads a split into memory, or prepares to stream it.

    Args:
        patterns: Globs of TFRecord files of tf.Example; files ending in .gz are gzipped.
        spec: Column name to tf.io.FixedLenFeature.
        labels: Names of the label columns; the others are features.
        cache_bytes: Size of parsed columns above which the split is streamed.
    """
    files = tuple(sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern)))
    if sum(tf.io.gfile.stat(file).length for file in files) * _LEAST_DEFLATED > cache_bytes:
        # Likely too large: parsing what is then dropped costs more than counting.
        rows = _count_rows(files)
        for first in map(_arrays, _parsed(_records(files), spec, _PARSE_ROWS).take(1)):
            if rows * _bytes(first) > cache_bytes * min(rows, _PARSE_ROWS):
                return StreamedSplit(files, spec, labels, rows)
    parts: list[Arrays] = []
    size = 0
    for part in map(_arrays, _parsed(_records(files), spec, _PARSE_ROWS)):
        parts.append(part)
        size += _bytes(part)
        if size > cache_bytes:
            return StreamedSplit(files, spec, labels, _count_rows(files))
    empty = {name: np.zeros((0, *feature.shape)) for name, feature in spec.items()}
    columns = {name: np.concatenate([part[name] for part in parts or [empty]]) for name in spec}
    return CachedSplit(columns, labels)


def _count_rows(files: Sequence[str]) -> int:
    # By batches: a function call for each record takes ten times as long as reading it.
    return int(_records(files).batch(_PARSE_ROWS).reduce(np.int64(0), _count).numpy())


def _arrays(columns: Columns) -> Arrays:
    return {name: column.numpy() for name, column in columns.items()}


def _bytes(part: Arrays) -> int:
    return sum(column.nbytes for column in part.values())


def _batch(columns: Columns, labels: tuple[str, ...]) -> Batch:
    features = {name: column for name, column in columns.items() if name not in labels}
    return Batch(features, {name: columns[name] for name in labels})


def _records(files: Sequence[str]) -> tf.data.Dataset:
    """Serialized examples of `files`, in order."""
    dataset = tf.data.Dataset.from_tensor_slices(tf.constant(list(files), tf.string))
    return dataset.flat_map(_open_file)


@tf.autograph.experimental.do_not_convert
def _open_file(path: tf.Tensor) -> tf.data.Dataset:
    gzipped = tf.strings.regex_full_match(path, r".*\.gz")
    return tf.data.TFRecordDataset(path, compression_type=tf.where(gzipped, "GZIP", ""))


@tf.autograph.experimental.do_not_convert
def _count(total: tf.Tensor, records: tf.Tensor) -> tf.Tensor:
    return total + tf.size(records, out_type=tf.int64)


def _parsed(records: tf.data.Dataset, spec: ParseSpec, size: int) -> tf.data.Dataset:
    """Batches of `size` examples, parsed a batch at a time."""

    @tf.autograph.experimental.do_not_convert
    def parse(examples: tf.Tensor) -> Columns:
        columns = tf.io.parse_example(examples, dict(spec))
        return {
            name: tf.cast(column, tf.int32) if column.dtype == tf.int64 else column
            for name, column in columns.items()
        }

    return records.batch(size).map(parse).prefetch(2)
