"""Requests for a parity check: real examples and mutations of them, the same for the same seed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rankbeam.components.parity.columns import Column
from rankbeam.components.parity.mutations import KINDS


@dataclass(frozen=True, slots=True)
class Generated:
    """One request.

    Attributes:
        kind: name of the mutation, `real` where there was none.
        column: the column that was changed; empty for kinds that change none or all.
        serialized: the tf.Example.
    """

    kind: str
    column: str
    serialized: bytes


def generate(
    real: Sequence[bytes], columns: Sequence[Column], count: int, seed: int
) -> list[Generated]:
    """Makes `count` requests, each kind as often as any other (but for one), shuffled.

    Kinds that no column's type allows are left out. A kind goes round the columns that it can
    change, so that with enough requests every column meets every kind.

    Args:
        real: serialized tf.Examples, at least one; used in turn.
        columns: the raw columns that the model reads.
        count: how many to make.
        seed: of the choices and of the order.
    """
    rng = np.random.default_rng(seed)
    types = {column.dtype for column in columns}
    kinds = [kind for kind in KINDS if kind.types & types]
    made = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        fitting = [column for column in columns if column.dtype in kind.types]
        turn = number // len(kinds)
        column = fitting[turn % len(fitting)]
        example = tf.train.Example.FromString(real[number % len(real)])
        changed = "" if kind.name in _WHOLE else column.name
        made.append(Generated(kind.name, changed, kind.mutate(example, column, rng)))
    return [made[place] for place in rng.permutation(count)]


def count_kinds(requests: Sequence[Generated]) -> Mapping[str, int]:
    """How many requests there are of each kind; kinds that no column allows have 0."""
    found = Counter(request.kind for request in requests)
    return {kind.name: found[kind.name] for kind in KINDS}


_WHOLE = frozenset({"real", "all_missing"})
