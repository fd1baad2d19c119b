"""Splitting by a hash of an entity."""

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rankbeam.components.example_gen import lists, values
from rankbeam.components.example_gen.chunks import BadValue
from rankbeam.components.example_gen.derive import as_text
from rankbeam.components.example_gen.spec import EntityHashSplit


def entity_is_eval(entities: pa.Array, split: EntityHashSplit) -> npt.NDArray[np.bool_]:
    """Where an entity is evaluated (`EntityHashSplit` defines it).

    SHA-256 is on every platform and in every SQL dialect, so that the split can be reproduced
    anywhere; with each distinct entity of a batch hashed once it costs 0.1 s per 100,000 of them.

    Args:
        entities: [rows] text, integers or booleans, or lists of at most one.
        split: Salt and fraction.

    Returns:
        [rows] true for eval.

    Raises:
        BadValue: The column holds something else, or several values in a row.
    """
    wide = values.widen(lists.only(entities))
    if pa.types.is_floating(wide.type):
        raise BadValue("splits by entity, so it must hold text or integers", entities.type)
    encoded = as_text(wide).dictionary_encode()
    salted = hashlib.sha256(split.salt.encode())
    threshold = round(split.eval_fraction * 2**64)
    distinct = [_digest(salted, value) < threshold for value in encoded.dictionary.to_pylist()]
    # A missing entity hashes like none that has a name: salt + NUL.
    distinct.append(_digest(salted, b"\0") < threshold)
    places = encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)
    chosen: npt.NDArray[np.bool_] = np.array(distinct)[places]
    return chosen


def _digest(salted: "hashlib._Hash", value: bytes) -> int:
    state = salted.copy()
    state.update(value)
    return int.from_bytes(state.digest()[:8], "big")
