"""Rows in batches: every path is asked the same ones, since kernels round by the batch's size."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rankbeam.components.parity.logic import Answers, Array
from rankbeam.serving.errors import ModelNotServable


class Batches:
    """Cuts rows into batches and joins their answers again.

    Args:
        rows: serialized tf.Examples.
        size: rows of a batch.
    """

    def __init__(self, rows: Sequence[bytes], size: int) -> None:
        self.rows = rows
        self._size = size

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        for start in range(0, len(self.rows), self._size):
            yield self.rows[start : start + self._size]

    def ask(self, ask: Callable[[Sequence[bytes]], Mapping[str, Array]]) -> Answers:
        """Output name -> answers of all batches.

        Raises:
            ModelNotServable: the answers of two batches do not fit together.
        """
        return joined([ask(batch) for batch in self])


def joined(answers: Sequence[Mapping[str, Array]]) -> Answers:
    """Answers of several batches, one after the other.

    Raises:
        ModelNotServable: they do not fit together.
    """
    try:
        return {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
    except (KeyError, ValueError) as error:
        raise ModelNotServable(
            f"answers must have the same outputs and widths in every batch; got {error}"
        ) from error
