"""Dynamic batching's parameters: TensorFlow Serving's names, defaults and rules.

Source: BatchingParameters in tensorflow_serving/servables/tensorflow/session_bundle_config.proto,
with the defaults of TensorFlow's SharedBatchScheduler, which apply where a field is left out.
"""

import os
from dataclasses import dataclass, field
from itertools import pairwise

from rankbeam.serving.settings.checks import require, require_at_least


def _num_cpus() -> int:
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True)
class BatchingSettings:
    """How requests are gathered into batches.

    Attributes:
        max_batch_size: examples of one batch; without splitting also of one request.
        batch_timeout_micros: how long the oldest request waits for a batch to fill, while a thread
            is free.
        max_enqueued_batches: batches that may wait; a request that finds as many is UNAVAILABLE.
        num_batch_threads: batches that run at the same time; by default the CPUs of this process.
        thread_pool_name: names the threads.
        allowed_batch_sizes: a batch is padded to the next of these sizes; the last one is
            `max_batch_size`. Empty means no padding.
        pad_variable_length_inputs: whether inputs of unequal inner dimensions are padded to the
            longest; otherwise requests whose inner dimensions differ do not fit each other.
        enable_large_batch_splitting: whether a request may be spread over several batches.
        max_execution_batch_size: with splitting, the examples of one batch, while
            `max_batch_size` bounds a request; None stands for `max_batch_size`.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=_num_cpus)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self) -> None:
        """Holds the values to TensorFlow Serving's rules.

        Raises:
            InvalidSetting: one breaks them.
        """
        require_at_least(
            1,
            max_batch_size=self.max_batch_size,
            max_enqueued_batches=self.max_enqueued_batches,
            num_batch_threads=self.num_batch_threads,
        )
        require_at_least(0, batch_timeout_micros=self.batch_timeout_micros)
        self._check_allowed_sizes()
        self._check_execution_size()

    def _check_allowed_sizes(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        require(sizes[0] >= 1, "allowed_batch_sizes", "be >= 1", list(sizes))
        increases = all(low < high for low, high in pairwise(sizes))
        require(increases, "allowed_batch_sizes", "increase", list(sizes))
        require(
            sizes[-1] == self.max_batch_size,
            "allowed_batch_sizes",
            f"end with max_batch_size, {self.max_batch_size}",
            list(sizes),
        )

    def _check_execution_size(self) -> None:
        size = self.max_execution_batch_size
        if size is None:
            return
        require(
            1 <= size <= self.max_batch_size,
            "max_execution_batch_size",
            f"be 1 to max_batch_size, {self.max_batch_size}",
            size,
        )

    @property
    def execution_batch_size(self) -> int:
        """Examples that one batch may hold."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size
