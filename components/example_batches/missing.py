"""Tells features that are missing from empty lists, by the bytes that Rankbeam's ExampleGen writes.

It writes every column of every row, as `tf_example.encode_examples` has it: a missing one as a map
entry whose Feature is empty, an empty list as an entry whose Feature holds an empty list of its
kind. Of a row without values, one of the two entries is thus somewhere in its bytes. Where that
does not decide it (another writer, or a text that happens to hold such bytes), the row is parsed.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from rankbeam.components.example_batches.kinds import FIELD_TAG, Kind

Flags = npt.NDArray[np.bool_]


class MissingFinder:
    """Looks at rows that have no value in a column.

    Args:
        kinds: The columns that may be asked for.
    """

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._entries = {name: _entries(name, kind) for name, kind in kinds.items()}

    def missing(self, name: str, records: npt.NDArray[np.object_]) -> Flags:
        """(n,) whether the column is missing, of n serialized rows without values in it."""
        texts = pa.array(records, pa.large_binary())
        absent, empty = (
            pc.match_substring(texts, entry).to_numpy(zero_copy_only=False)
            for entry in self._entries[name]
        )
        missing: Flags = np.array(absent)
        for row in np.flatnonzero(absent == empty).tolist():
            feature = tf.train.Example.FromString(records[row]).features.feature
            missing[row] = name not in feature or feature[name].WhichOneof("kind") is None
        return missing


def _entries(name: str, kind: Kind) -> tuple[bytes, bytes]:
    """The map entry of a missing feature, and of an empty list, without the entry's own length."""
    key = name.encode()
    head = b"\x0a" + _varint(len(key)) + key + b"\x12"
    return head + b"\x00", head + b"\x02" + FIELD_TAG[kind] + b"\x00"


def _varint(number: int) -> bytes:
    groups = []
    while True:
        number, low = number >> 7, number & 127
        groups.append(low | (128 if number else 0))
        if not number:
            return bytes(groups)
