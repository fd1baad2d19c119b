"""Requests for the batcher, what they are answered, and metrics that remember batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankbeam.serving.engine.metrics import Metrics
from rankbeam.serving.tensors import Array
from tests.serving import tiny_models

LONG_MICROS = 60_000_000
"""For a batch that only a full one or a test's own action starts."""


class Counted(Metrics):
    """Metrics that remember the sizes of batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def observe_batch(
        self, *, model: str, signature: str, size: int, waited: Sequence[float]
    ) -> None:
        """Also keeps the size."""
        super().observe_batch(model=model, signature=signature, size=size, waited=waited)
        self.sizes.append(size)


def examples(first: int, count: int) -> dict[str, Any]:
    """A request for rows that differ in one feature, which counts up from `first`."""
    rows = [tiny_models.example("ada", first + at, 0.5) for at in range(count)]
    array = np.empty(count, dtype=object)
    array[:] = rows
    return {"examples": array}


def expected(first: int, count: int) -> Array:
    """The scores of `examples`, by an oracle."""
    rows = [{"user": "ada", "age": first + at, "price": 0.5} for at in range(count)]
    return tiny_models.oracle(rows)["click"]
