"""Reads a source, splits its rows and writes them as tf.Examples."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

import numpy as np
import pyarrow as pa

from rankbeam.components.example_gen.chunks import Chunk
from rankbeam.components.example_gen.convert import Converter
from rankbeam.components.example_gen.counts import SplitCounts
from rankbeam.components.example_gen.paths import ALL_ROWS, OUTCOMES
from rankbeam.components.example_gen.reader import Reader, wanted_columns
from rankbeam.components.example_gen.spec import ExampleGenSpec, FoldersSplit
from rankbeam.components.example_gen.splits import EvalMask, make_splitter
from rankbeam.components.example_gen.tf_example import encode_examples
from rankbeam.components.example_gen.writer import SHARD_ROWS, SplitsWriter
from rankbeam.transform.errors import DataError

SPLITS = ("train", "eval")


def ingest(
    spec: ExampleGenSpec,
    files: Mapping[str, Sequence[str]],
    folder: str,
    shard_rows: int = SHARD_ROWS,
) -> dict[str, SplitCounts]:
    """Write the splits train and eval below `folder`, with rows in the order they are read.

    The same files and spec give the same bytes. Memory is bounded by a few batches, but for a
    split by the last fraction of time, which holds 8 bytes a row while it looks for the boundary.

    Args:
        spec: What to read and how to split it.
        files: Input split name (see `InputLayout`) to its files, in the order to be read.
        folder: The artifact's folder.
        shard_rows: Rows of a file; a split with more has several.

    Returns:
        Counts by split.

    Raises:
        DataError: The data cannot be read as the spec says, or have no rows.
        ConfigError: The split's boundary does not fit its column.
        EnvironmentFault: The output cannot be written.
    """
    counts = {name: SplitCounts() for name in SPLITS}
    labels = [name for name, use in spec.columns.items() if use == "int"]
    converter = Converter(spec)
    with SplitsWriter(folder, SPLITS, shard_rows) as writer:
        for chunk, is_eval in _split_rows(spec, files):
            batch = converter.convert(chunk)
            records = encode_examples(batch)
            for name, mask in (("train", ~is_eval), ("eval", is_eval)):
                writer.write(name, compress(records, mask))
                counts[name].add(batch.filter(pa.array(mask)), labels)
        if not any(split.rows for split in counts.values()):
            read = ", ".join(file for some in files.values() for file in some)
            raise DataError(f"data.source.path must hold at least one row; got none in {read}")
    return counts


def _split_rows(
    spec: ExampleGenSpec, files: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Chunk, EvalMask]]:
    columns = tuple(wanted_columns(spec))
    split = spec.data.split
    outcomes = files.get(OUTCOMES, ())
    if isinstance(split, FoldersSplit):
        for name in SPLITS:
            for chunk in Reader(spec, files[name], outcomes).rows(columns):
                yield chunk, np.full(chunk.batch.num_rows, name == "eval")
        return
    reader = Reader(spec, files[ALL_ROWS], outcomes)
    splitter = make_splitter(split, reader.rows)
    for chunk in reader.rows(columns):
        yield chunk, splitter.is_eval(chunk)
