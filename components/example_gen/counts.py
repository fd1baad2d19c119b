"""How many rows a split has, how many of each label, and of what kind its columns are."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa

from rankbeam.components.example_batches.kinds import Kind


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
    """Rows of a split, in all and by label.

    Attributes:
        rows: Rows of the split.
        labels: Label column to its counts.
        kinds: Every column to the kind of its values; None where the split has none. Nodes that
            read the examples then need not look for columns. Empty in artifacts of old runs.
    """

    rows: int = 0
    labels: dict[str, LabelCounts] = field(default_factory=dict)
    kinds: dict[str, Kind | None] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch, labels: list[str]) -> None:
        """Count the rows of a converted batch, and note its columns' kinds."""
        self.rows += batch.num_rows
        for field_, column in zip(batch.schema, batch.columns, strict=True):
            # The type of a column without values is a guess.
            if self.kinds.get(field_.name) is None:
                known = len(column.flatten()) > 0
                self.kinds[field_.name] = _kind(field_.type.value_type) if known else None
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
            split.get("kinds", {}),
        )
        for name, split in json.loads(text).items()
    }


def _kind(values: pa.DataType) -> Kind:
    if pa.types.is_integer(values):
        return "int"
    return "float" if pa.types.is_floating(values) else "bytes"
