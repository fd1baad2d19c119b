"""The Beam source of batches of examples."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa

from rankbeam.components.example_batches.decode import record_batches
from rankbeam.components.example_batches.kinds import Kinds


class ReadBatches(beam.PTransform):
    """From a pipeline to record batches of all rows; a file is one task.

    Args:
        files: TFRecord files of tf.Examples.
        kinds: The columns to read, in the order wanted.
        tell_empty: Whether empty lists are told from missing ones.
    """

    def __init__(self, files: Sequence[str], kinds: Kinds, *, tell_empty: bool) -> None:
        super().__init__()
        self._files = tuple(files)
        self._read = partial(record_batches, kinds=dict(kinds), tell_empty=tell_empty)

    def expand(self, pipeline: Any) -> Any:
        """Several files are reshuffled by Beam, so that several workers read them."""
        return (
            pipeline
            | "Files" >> beam.Create(self._files)
            | "Read" >> beam.FlatMap(self._read).with_output_types(pa.RecordBatch)
        )
