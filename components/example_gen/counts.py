"""How many rows a split has, and how many of each label."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa


@dataclass
class LabelCounts:
    """Rows of a split by the value of one label."""

    zero: int = 0
    one: int = 0
    other: int = 0
    missing: int = 0

    def add(self, labels: pa.Array) -> None:
        """Count [rows] lists of at most one int64."""
        values = labels.flatten().to_numpy()
        zeros, ones = int(np.sum(values == 0)), int(np.sum(values == 1))
        self.zero += zeros
        self.one += ones
        self.other += len(values) - zeros - ones
        self.missing += len(labels) - len(values)


@dataclass
class SplitCounts:
    """Rows of a split, in all and by label."""

    rows: int = 0
    labels: dict[str, LabelCounts] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch, labels: list[str]) -> None:
        """Count the rows of a converted batch."""
        self.rows += batch.num_rows
        for name in labels:
            column = batch.column(batch.schema.get_field_index(name))
            self.labels.setdefault(name, LabelCounts()).add(column)


def counts_to_json(counts: Mapping[str, SplitCounts]) -> str:
    """Counts by split name, as text for an artifact's property."""
    return json.dumps({name: asdict(split) for name, split in counts.items()}, sort_keys=True)


def counts_from_json(text: str) -> dict[str, SplitCounts]:
    """The inverse of `counts_to_json`."""
    return {
        name: SplitCounts(
            split["rows"],
            {label: LabelCounts(**values) for label, values in split["labels"].items()},
        )
        for name, split in json.loads(text).items()
    }
