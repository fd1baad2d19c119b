"""Examples as Rankbeam's ExampleGen leaves them, with every way in which a value can be absent."""

from pathlib import Path

import pyarrow as pa
from tfx.types import Artifact, artifact_utils, standard_artifacts

from rankbeam.components.example_gen.counts import SplitCounts, counts_to_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.components.example_gen.tf_example import encode_examples
from rankbeam.components.example_gen.writer import SHARD_ROWS, SplitsWriter


def table(rows: int, first: int = 0) -> pa.RecordBatch:
    """Rows from number `first` on."""
    numbers = range(first, first + rows)
    columns = {
        "city": [None if n % 7 == 0 else [b"c%d" % (n % 5)] for n in numbers],
        "tags": [None if n % 11 == 0 else [b"t%d" % t for t in range(n % 4)] for n in numbers],
        "price": [None if n % 3 == 0 else [n / 8] for n in numbers],
        "age": [None if n % 13 == 0 else [n % 90] for n in numbers],
        "late": [[n] if n >= 6_000 else None for n in numbers],
        "never": [None for n in numbers],
        "click": [[n % 2] for n in numbers],
    }
    kinds = {"city": pa.binary(), "tags": pa.binary(), "price": pa.float32(), "never": pa.binary()}
    return pa.RecordBatch.from_pydict(
        {
            name: pa.array(values, pa.list_(kinds.get(name, pa.int64())))
            for name, values in columns.items()
        }
    )


def write_examples(
    folder: Path, train: int, evaluated: int, shard_rows: int = SHARD_ROWS
) -> Artifact:
    """An Examples artifact in `folder` with the splits train and eval, of so many rows each."""
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    counts = {"train": SplitCounts(), "eval": SplitCounts()}
    with SplitsWriter(str(folder), list(counts), shard_rows) as writer:
        for split, batch in (("train", table(train)), ("eval", table(evaluated, train))):
            writer.write(split, encode_examples(batch))
            counts[split].add(batch, ["click"])
    examples.split_names = artifact_utils.encode_split_names(list(counts))
    examples.set_string_custom_property(COUNTS_PROPERTY, counts_to_json(counts))
    return examples
