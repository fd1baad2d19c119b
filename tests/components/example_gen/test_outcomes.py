"""A request log joined with what became of its candidates."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from rankbeam.components.example_gen.paths import check_source, input_layout
from rankbeam.transform.errors import ConfigError, DataError
from tests.components.example_gen.logged import Asked, example, ranked, write_log
from tests.components.example_gen.runs import Row, make_spec, read_split, run, write_parquet

_ALL_TRAIN = {"kind": "time", "column": "timestamp", "boundary": "2999-01-01"}
_PARQUET = {"kind": "parquet", "path": "outcomes.parquet"}


def _log(base: Path) -> None:
    """Two requests, of three and two candidates, whose feature a is 10 × request + position."""
    write_log(
        base / "log",
        [
            ranked("r1", [example(a=[10 + at]) for at in range(3)], click=[0.5] * 3),
            ranked("r2", [example(a=[20 + at]) for at in range(2)], click=[0.5] * 2),
        ],
    )


def _joined(base: Path, unmatched: str, outcomes: Any = None, **spec: Any) -> list[Row]:
    made = make_spec(
        "log/*/",
        "request_log",
        columns=spec.pop("columns", {"a": None, "click": "int"}),
        split=_ALL_TRAIN,
        outcomes=outcomes or _PARQUET,
        unmatched=unmatched,
        **spec,
    )
    run(made, base)
    return read_split(base / "output", "train")


def _write(base: Path, ids: list[Any], positions: list[Any], **labels: Any) -> None:
    columns = {"request_id": ids, "position": positions, **labels}
    write_parquet(base / "outcomes.parquet", columns)


@pytest.mark.parametrize(
    ("unmatched", "expected"),
    [
        ("drop", {11: [1], 21: [0], 20: []}),
        ("zero", {10: [0], 11: [1], 12: [0], 20: [], 21: [0]}),
        ("missing", {10: [], 11: [1], 12: [], 20: [], 21: [0]}),
    ],
)
def test_outcomes_are_joined_by_request_and_position(
    tmp_path: Path, unmatched: str, expected: dict[int, list[int]]
) -> None:
    _log(tmp_path)
    _write(tmp_path, ["r2", "r1", "unsampled", "r2"], [1, 1, 99, 0], click=[0, 1, 1, None])
    rows = _joined(tmp_path, unmatched)
    assert {row["a"][0]: row["click"] for row in rows} == expected


def test_outcomes_of_a_request_in_parts_are_joined_by_the_whole(tmp_path: Path) -> None:
    write_log(
        tmp_path / "log",
        [
            ranked("big;offset=2", [example(a=[2]), example(a=[3])], click=[0.5] * 2),
            ranked("big;offset=0", [example(a=[0]), example(a=[1])], click=[0.5] * 2),
            ranked("big;offset=0", [example(a=[0]), example(a=[1])], click=[0.5] * 2),
        ],
    )
    _write(tmp_path, ["big"] * 3, [3, 0, 1], click=[1, 0, 1])
    columns = {"a": None, "click": "int", "position": None, "request_id": None}
    rows = _joined(tmp_path, "missing", columns=columns)
    assert [(row["a"], row["position"], row["click"]) for row in rows] == [
        ([2], [2], []),
        ([3], [3], [1]),
        ([0], [0], [0]),
        ([1], [1], [1]),
    ]
    assert {row["request_id"][0] for row in rows} == {b"big"}


@pytest.mark.parametrize(
    ("labels", "zero"),
    [
        (pa.array([True, None]), [0]),
        (pa.array([1.0, None]), [0]),
        (pa.array(["1", None]), [0]),
        (pa.array([b"1", None], pa.large_binary()), [0]),
        (pa.array(["1", None]).dictionary_encode(), [0]),
        (pa.array([[1], None]), [0]),
        (pa.array([1, None], pa.int8()), [0]),
    ],
)
def test_outcomes_of_any_type_are_labels(tmp_path: Path, labels: pa.Array, zero: Any) -> None:
    _log(tmp_path)
    _write(tmp_path, ["r1", "r1"], [0, 1], click=labels)
    rows = _joined(tmp_path, "zero")
    assert [row["click"] for row in rows] == [[1], [], zero, zero, zero]


def test_outcomes_as_csv_and_derived(tmp_path: Path) -> None:
    _log(tmp_path)
    (tmp_path / "events.csv").write_text("position,event,request_id\n2,sale,r1\n0,view,r2\n")
    rows = _joined(
        tmp_path,
        "missing",
        {"kind": "csv", "path": "events.csv"},
        columns={"a": None, "sale": "int"},
        derive={"sale": {"source": "event", "is_in": ["sale"]}},
    )
    assert {row["a"][0]: row["sale"] for row in rows} == {
        10: [], 11: [], 12: [1], 20: [0], 21: []
    }  # fmt: skip


def test_outcomes_agree_with_a_join_by_hand(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    sizes = generator.integers(0, 40, 800)
    asked = [
        ranked(f"q{n}", [example(a=[n * 100 + at]) for at in range(size)], click=[0.5] * size)
        for n, size in enumerate(sizes)
    ]
    write_log(tmp_path / "log", asked, rotate_bytes=100_000)
    keys = [(n, at) for n, size in enumerate(sizes) for at in range(size)]
    chosen = [keys[at] for at in generator.permutation(len(keys))[: len(keys) // 3]]
    clicks = generator.integers(0, 2, len(chosen)).tolist()
    _write(tmp_path, [f"q{n}" for n, _ in chosen], [at for _, at in chosen], click=clicks)
    by_key = {n * 100 + at: click for (n, at), click in zip(chosen, clicks, strict=True)}
    rows = _joined(tmp_path, "missing")
    assert len(rows) == len(keys)
    assert {row["a"][0]: row["click"] for row in rows} == {
        n * 100 + at: [by_key[n * 100 + at]] if n * 100 + at in by_key else [] for n, at in keys
    }


@pytest.mark.parametrize(
    ("ids", "positions", "message"),
    [
        (["r1", "r1"], [3, 0], r"'position' must count .* from 0, here to 2; got 3 .*'r1'"),
        (["r1", "r1"], [-1, 0], r"'position' must count .* from 0, here to 2; got -1 .*'r1'"),
        (["r1", "r1"], [2, 2], r"each candidate once; got position 2 of request 'r1' twice"),
        (["r1", None], [0, 1], r"row 2: column 'request_id' must be in every row"),
        (["r1", "r1"], [0, None], r"row 2: column 'position' must be in every row"),
        (["r1", "r1"], ["0", "x"], r"row 2: column 'position' must hold integers; got"),
        (["x", "y"], [0, 0], r"outcomes of the log's requests.*got none for any of 5 candidates"),
    ],
)
def test_outcomes_that_do_not_fit_the_log_are_refused(
    tmp_path: Path, ids: list[Any], positions: list[Any], message: str
) -> None:
    _log(tmp_path)
    _write(tmp_path, ids, positions, click=[0, 1])
    with pytest.raises(DataError, match=message):
        _joined(tmp_path, "drop")


def test_outcomes_without_a_label_are_refused(tmp_path: Path) -> None:
    _log(tmp_path)
    _write(tmp_path, ["r1"], [0], clicks=[1])
    with pytest.raises(DataError, match=r"outcomes.parquet must hold column 'click' .* 'clicks'"):
        _joined(tmp_path, "zero")


def test_outcomes_cannot_be_told_apart_where_ids_repeat(tmp_path: Path) -> None:
    inputs = {"examples": np.array([example(a=[5])], object)}
    write_log(
        tmp_path / "log",
        [
            ranked("r1", [example(a=[1])], click=[0.5]),
            ranked("r1", [example(a=[1])], click=[0.5]),
            Asked("r1", inputs, {"click": [0.5]}, model="other"),
        ],
    )
    _write(tmp_path, ["r1"], [0], click=[1])
    with pytest.raises(DataError, match=r"one request of each id.*'r1' \(data.source.model"):
        _joined(tmp_path, "zero")
    rows = _joined(tmp_path, "zero", model="ranker")
    assert rows == [{"a": [1], "click": [1]}]


def test_outcomes_are_laid_out_as_an_input_of_the_driver(tmp_path: Path) -> None:
    for span in ("20250131", "20250201"):
        write_parquet(tmp_path / "log" / span / "f", {"x": [1]})
        write_parquet(tmp_path / "outcomes" / span / "f.parquet", {"x": [1]})
    spec = make_spec(
        "log/{SPAN}/",
        "request_log",
        columns={},
        outcomes={"kind": "parquet", "path": "outcomes/{SPAN}/"},
        unmatched="drop",
    )
    layout = input_layout(spec.data, str(tmp_path))
    assert layout.base == str(tmp_path)
    assert layout.patterns == {"all": "log/{SPAN}/*", "outcomes": "outcomes/{SPAN}/*"}
    assert check_source(spec.data, str(tmp_path), 20250131) == {
        "all": (str(tmp_path / "log/20250131/f"),),
        "outcomes": (str(tmp_path / "outcomes/20250131/f.parquet"),),
    }
    (tmp_path / "outcomes" / "20250201" / "f.parquet").unlink()
    with pytest.raises(DataError, match=r"same for all and outcomes; got 20250201 and 20250131"):
        check_source(spec.data, str(tmp_path))


def test_outcomes_without_the_logs_span_are_refused(tmp_path: Path) -> None:
    spec = make_spec("log/{SPAN}/", "request_log", columns={}, outcomes=_PARQUET, unmatched="drop")
    with pytest.raises(ConfigError, match=r"outcomes.path must hold {SPAN} where .*; got outc"):
        input_layout(spec.data, str(tmp_path))


@pytest.mark.parametrize("half", [{"outcomes": _PARQUET}, {"unmatched": "zero"}])
def test_outcomes_need_to_say_what_their_absence_means(half: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="outcomes and unmatched must be set together"):
        make_spec("log", "request_log", columns={}, **half)
