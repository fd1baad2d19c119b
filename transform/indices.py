"""Id, categorical and multivalent features: from values to rows of an embedding table.

Index 0 is a missing value (and the padding of lists). Then come the out-of-vocabulary buckets 1..O,
then the vocabulary by descending training frequency; or, for hashed features, 1..hash_buckets. A
value's bucket is `tf.strings.to_hash_bucket_fast` (FarmHash64 modulo the number of buckets) of the
value as text.
"""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from rankbeam.transform.analysis.statistics import Statistics
from rankbeam.transform.analysis.vocabulary import ESCAPES, prefix
from rankbeam.transform.plan import Column, Plan
from rankbeam.transform.specs.features import IndexedFeature
from rankbeam.transform.stacking import Inputs, Places, text_column

IndexedColumns = Sequence[Column[IndexedFeature]]


class IndexedBatch:
    """The indexed columns of one batch.

    Attributes:
        keys: (k,) prefixed values of all vocabulary columns, what the analyzer counts and the
            table looks up; strings.
        kept_keys: (k,) the same, but empty beyond their column's width: values that are cut off do
            not count.
    """

    def __init__(self, inputs: Inputs, plan: Plan) -> None:
        """Stacks the plan's columns, which must not be empty."""
        self._plan = plan
        self._columns = [text_column(inputs, column) for column in plan.indexed]
        self._words = self._columns[: len(plan.vocabulary)]
        self._places = Places.of(self._columns, [column.width for column in plan.indexed])
        if self._words:
            words = tf.concat([column.values for column in self._words], axis=0)
            count = tf.size(words)
            self._owners = self._places.owners[:count]
            marks = tf.constant([prefix(number) for number in range(len(self._words))])
            self.keys = tf.strings.join([tf.gather(marks, self._owners), words])
            self.kept_keys = tf.where(self._places.kept[:count], self.keys, "")
        else:
            # Made from the inputs, since an analyzer of constants has no data to pass over.
            self.keys = self.kept_keys = tf.where(self._places.kept[:0], "", "")

    def outputs(self, asset: tf.Tensor, statistics: Statistics) -> dict[str, tf.Tensor]:
        """Indices of each feature: int64 (B, 1), for multivalent ones (B, max_values)."""
        found = [self._looked_up(asset, statistics)] if self._words else []
        hashed = [
            _bucket(values.values, column.spec.hash_buckets)
            for values, column in zip(
                self._columns[len(self._words) :], self._plan.hashed, strict=True
            )
        ]
        matrix = self._places.fill(tf.concat(found + hashed, axis=0), 0)
        absent = _index_of_missing(self._plan.indexed)
        if absent is not None:
            matrix = tf.where(tf.equal(matrix, 0), absent, matrix)
        parts = tf.split(matrix, [column.width for column in self._plan.indexed], axis=1)
        return {column.name: part for column, part in zip(self._plan.indexed, parts, strict=True)}

    def _looked_up(self, asset: tf.Tensor, statistics: Statistics) -> tf.Tensor:
        """Indices of all vocabulary values (k,): position in the vocabulary, or bucket."""
        lines = tft.apply_vocabulary(
            tf.cond(statistics.escaped[0] > 0, self._escaped_keys, self._keys_as_they_are),
            asset,
            default_value=-1,
        )
        oov = tf.constant([column.spec.oov_buckets for column in self._plan.vocabulary], tf.int64)
        shifts = 1 + oov - tf.cast(statistics.first_lines, tf.int64)
        return tf.where(lines < 0, self._buckets(), lines + tf.gather(shifts, self._owners))

    def _buckets(self) -> tf.Tensor:
        """Out-of-vocabulary index of all vocabulary values: (k,), or () where each has only one."""
        specs = [column.spec for column in self._plan.vocabulary]
        if all(spec.oov_buckets == 1 for spec in specs):
            return tf.constant(1, tf.int64)
        return tf.concat(
            [
                _bucket(column.values, spec.oov_buckets)
                for column, spec in zip(self._words, specs, strict=True)
            ],
            axis=0,
        )

    def _keys_as_they_are(self) -> tf.Tensor:
        return self.keys

    def _escaped_keys(self) -> tf.Tensor:
        keys = self.keys
        for raw, written in ESCAPES:
            keys = tf.strings.regex_replace(keys, raw, written)
        return keys


def _bucket(values: tf.Tensor, buckets: int | None) -> tf.Tensor:
    """1-based hash bucket of each value."""
    if buckets == 1:
        return tf.ones_like(values, tf.int64)
    return 1 + tf.strings.to_hash_bucket_fast(values, buckets)


def _index_of_missing(columns: IndexedColumns) -> tf.Tensor | None:
    """What stands for 0 in each matrix column; None where 0 stays everywhere.

    With `missing: oov` a missing value, or the first of an empty list, is the empty string's
    bucket; the rest of a list is padding.
    """
    if all(column.spec.missing == "own_index" for column in columns):
        return None
    row: list[tf.Tensor] = []
    for column in columns:
        zeros = [tf.constant(0, tf.int64)] * column.width
        if column.spec.missing == "oov":
            zeros[0] = _bucket(tf.constant(""), column.spec.hash_buckets or column.spec.oov_buckets)
        row.extend(zeros)
    return tf.stack(row)
