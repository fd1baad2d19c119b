"""Counts what is wrong with labels, funnel and integer domains, batch by batch; NumPy only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from rankbeam.components.data_gate.spec import DataGateOptions, FunnelEdge

FaultKind = Literal["missing", "many", "outside", "funnel", "domain"]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RaggedColumn:
    """An integer column of a batch of B rows.

    Attributes:
        values: All values, row after row.
        lengths: (B,) number of values of each row.
    """

    values: Integers
    lengths: Integers

    def first(self) -> Integers:
        """(B,) the first value of each row; meaningless where the row has none."""
        if self.values.size == 0:
            return np.zeros(self.lengths.shape, np.int64)
        starts = np.cumsum(self.lengths) - self.lengths
        first: Integers = self.values[np.minimum(starts, self.values.size - 1)]
        return first


@dataclass
class Fault:
    """Rows at fault in the same way.

    Attributes:
        count: How many.
        row: Index of the first one in its split, from 0.
        record: That row, a serialized tf.Example.
        value: Its value of the column at fault.
    """

    count: int
    row: int
    record: bytes
    value: int


@dataclass
class SplitTally:
    """Running counts of one split.

    Attributes:
        options: What to look for.
        rows: Rows seen.
        positives: Label column to rows where it is 1.
        present: Label column to rows that have it.
        faults: By kind and column (of a funnel edge, the deeper label), or an edge's two columns.
    """

    options: DataGateOptions
    rows: int = 0
    positives: dict[str, int] = field(default_factory=dict)
    present: dict[str, int] = field(default_factory=dict)
    faults: dict[tuple[str, ...], Fault] = field(default_factory=dict)

    def add(self, columns: Mapping[str, RaggedColumn], records: Sequence[bytes]) -> None:
        """Count a batch.

        Args:
            columns: Labels and integer columns with a closed domain.
            records: The batch's serialized rows.
        """
        for label in self.options.labels:
            self._add_label(label, columns[label], records)
        for edge in self.options.funnel:
            self._add_edge(edge, columns, records)
        for name, column in columns.items():
            if name not in self.options.labels:
                self._add_domain(name, column, records)
        self.rows += len(records)

    def fault(self, kind: FaultKind, *columns: str) -> Fault | None:
        """The rows at fault in this way, if any."""
        return self.faults.get((kind, *columns))

    def _add_label(self, label: str, column: RaggedColumn, records: Sequence[bytes]) -> None:
        first, has = column.first(), column.lengths > 0
        self.positives[label] = self.positives.get(label, 0) + int(np.sum(has & (first == 1)))
        self.present[label] = self.present.get(label, 0) + int(np.sum(has))
        self._note(("missing", label), ~has, first, records)
        self._note(("many", label), column.lengths > 1, first, records)
        self._note(("outside", label), has & (first != 0) & (first != 1), first, records)

    def _add_edge(
        self, edge: FunnelEdge, columns: Mapping[str, RaggedColumn], records: Sequence[bytes]
    ) -> None:
        deeper, upper = columns[edge.label], columns[edge.given]
        happened = (deeper.lengths > 0) & (deeper.first() == 1)
        barred = (upper.lengths > 0) & (upper.first() == 0)
        key = ("funnel", edge.label, edge.given)
        self._note(key, happened & barred, deeper.first(), records)

    def _add_domain(self, name: str, column: RaggedColumn, records: Sequence[bytes]) -> None:
        legal = np.array([int(value) for value in self.options.domains[name]], np.int64)
        wrong = (column.lengths > 0) & ~np.isin(column.first(), legal)
        self._note(("domain", name), wrong, column.first(), records)

    def _note(
        self,
        key: tuple[str, ...],
        wrong: npt.NDArray[np.bool_],
        values: Integers,
        records: Sequence[bytes],
    ) -> None:
        count = int(np.sum(wrong))
        if count == 0:
            return
        if key in self.faults:
            self.faults[key].count += count
            return
        index = int(np.argmax(wrong))
        self.faults[key] = Fault(count, self.rows + index, records[index], int(values[index]))
