"""Counts of labels and funnel against plain loops over the rows."""

from collections.abc import Sequence

import numpy as np
import pytest

from rankbeam.components.data_gate.spec import DataGateOptions, DataGateSpec, FunnelEdge
from rankbeam.components.data_gate.tally import RaggedColumn, SplitTally

OPTIONS = DataGateOptions(
    gate=DataGateSpec(),
    labels=("click", "buy"),
    funnel=(FunnelEdge(label="buy", given="click"),),
    features=(),
    domains={"code": ("1", "5")},
)
Cells = Sequence[list[int]]


def ragged(cells: Cells) -> RaggedColumn:
    return RaggedColumn(
        np.array([value for cell in cells for value in cell], np.int64),
        np.array([len(cell) for cell in cells], np.int64),
    )


def tallied(columns: dict[str, list[list[int]]], batch_rows: int) -> SplitTally:
    """Count the columns in batches; each record is its row's number."""
    tally = SplitTally(OPTIONS)
    rows = len(columns["click"])
    for begin in range(0, rows, batch_rows):
        end = min(begin + batch_rows, rows)
        batch = {name: ragged(cells[begin:end]) for name, cells in columns.items()}
        tally.add(batch, [str(row).encode() for row in range(begin, end)])
    return tally


def test_tally_of_a_hand_made_split() -> None:
    #                 row:  0    1    2       3   4    5
    tally = tallied(
        {
            "click": [[1], [0], [], [0, 1], [2], [0]],
            "buy": [[1], [1], [1], [0], [1], [1]],
            "code": [[1], [5], [3], [], [1], [4]],
        },
        batch_rows=4,
    )
    assert tally.rows == 6
    assert tally.positives == {"click": 1, "buy": 5}
    found = {key: (fault.count, fault.row, fault.value) for key, fault in tally.faults.items()}
    assert found[("missing", "click")][:2] == (1, 2)
    assert found[("many", "click")] == (1, 3, 0)
    assert found[("outside", "click")] == (1, 4, 2)
    assert found[("funnel", "buy", "click")] == (2, 1, 1)  # a missing or wrong click is no breach
    assert found[("domain", "code")] == (2, 2, 3)
    assert len(found) == 5
    assert tally.faults[("funnel", "buy", "click")].record == b"1"


@pytest.mark.parametrize("batch_rows", [1, 7, 64, 1000])
def test_tally_equals_a_loop_over_the_rows(batch_rows: int) -> None:
    rng = np.random.default_rng(3)
    cells: dict[str, list[list[int]]] = {
        name: [
            list(map(int, rng.integers(-1, 4, size=rng.choice([0, 1, 2], p=[0.1, 0.8, 0.1]))))
            for _ in range(300)
        ]
        for name in ("click", "buy", "code")
    }
    tally = tallied(cells, batch_rows)
    expected: dict[tuple[str, ...], list[int]] = {}
    for row in range(300):
        click, buy, code = (cells[name][row] for name in ("click", "buy", "code"))
        for name, cell in (("click", click), ("buy", buy)):
            if not cell:
                expected.setdefault(("missing", name), []).append(row)
            if len(cell) > 1:
                expected.setdefault(("many", name), []).append(row)
            if cell and cell[0] not in (0, 1):
                expected.setdefault(("outside", name), []).append(row)
        if buy and buy[0] == 1 and click and click[0] == 0:
            expected.setdefault(("funnel", "buy", "click"), []).append(row)
        if code and code[0] not in (1, 5):
            expected.setdefault(("domain", "code"), []).append(row)
    assert {key: (fault.count, fault.row) for key, fault in tally.faults.items()} == {
        key: (len(rows), rows[0]) for key, rows in expected.items()
    }
    assert tally.positives["click"] == sum(cell[:1] == [1] for cell in cells["click"])


def test_tally_of_a_batch_without_values() -> None:
    tally = tallied({"click": [[], []], "buy": [[], []]}, batch_rows=2)
    assert tally.positives == {"click": 0, "buy": 0}
    assert set(tally.faults) == {("missing", "click"), ("missing", "buy")}
