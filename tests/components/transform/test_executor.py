"""Our executor's graph and examples are the stock executor's."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tfx.components.transform.executor import Executor as StockExecutor

from rankbeam.components.example_batches.records import BATCH_ROWS
from rankbeam.components.transform.executor import Executor
from tests.components.example_batches.artifact import write_examples
from tests.components.example_batches.workers import PARALLEL_MODES, as_in_a_run, with_workers
from tests.components.transform.executed import ANALYZED, CLOSED, execute, node
from tests.e2e.compared import SCALED_FLOAT32, assert_alike


def _records(folder: Path, split: str) -> list[tf.train.Example]:
    return [tf.train.Example.FromString(record) for record in _serialized(folder, split)]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("features", [ANALYZED, CLOSED], ids=["analyzed", "closed"])
def test_transform_is_that_of_the_stock_executor(tmp_path: Path, features: dict[str, Any]) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, 500)
    graph, transformed = execute(as_in_a_run(Executor), examples, features, tmp_path / "ours")
    stock_graph, stock = execute(as_in_a_run(StockExecutor), examples, features, tmp_path / "stock")
    for split, rows in (("train", 9_000), ("eval", 500)):
        found = _records(transformed, split)
        # Text, so that NaN equals NaN.
        assert list(map(str, found)) == list(map(str, _records(stock, split)))
        assert len(found) == rows
    ours, theirs = _files(graph), _files(stock_graph)
    assert ours.keys() == theirs.keys()
    # The graphs differ in names of operations, which count how often a function was traced.
    named = {"transform_fn/saved_model.pb", "transform_fn/fingerprint.pb"}
    assert {name for name in ours if ours[name] != theirs[name]} <= named


@pytest.mark.slow
def test_transform_twice_gives_the_same_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", 300, 40)
    first = execute(as_in_a_run(Executor), examples, ANALYZED, tmp_path / "first")
    again = execute(as_in_a_run(Executor), examples, ANALYZED, tmp_path / "again")
    assert _files(first[1]) == _files(again[1])
    assert set(_files(first[1])) == {
        f"Split-{split}/transformed_examples-00000-of-00001.gz" for split in ("train", "eval")
    }
    assert {path.name for path in first[1].iterdir()} == {"Split-train", "Split-eval"}
    config = json.loads(node(ANALYZED)["custom_config"])
    assert set(config) == {"rankbeam"}


@pytest.mark.slow
def test_transform_again_in_the_same_place_is_as_if_for_the_first_time(tmp_path: Path) -> None:
    # As a job does whose engine lost a worker after the first attempt had written all.
    examples = write_examples(tmp_path / "examples", 300, 40)
    expected = execute(as_in_a_run(Executor), examples, ANALYZED, tmp_path / "once")
    for _ in range(2):
        found = execute(as_in_a_run(Executor), examples, ANALYZED, tmp_path / "twice")
    _assert_same_assets(found[0], expected[0])
    assert _files(found[0]).keys() == _files(expected[0]).keys()
    assert _files(found[1]) == _files(expected[1])


@pytest.mark.slow
def test_transform_of_several_files_is_that_of_one(tmp_path: Path) -> None:
    one = write_examples(tmp_path / "one", 9_000, 500)
    several = write_examples(tmp_path / "several", 9_000, 500, shard_rows=BATCH_ROWS)
    expected = execute(as_in_a_run(Executor), one, ANALYZED, tmp_path / "expected")
    found = execute(as_in_a_run(Executor), several, ANALYZED, tmp_path / "found")
    _assert_same_assets(found[0], expected[0])
    for split in ("train", "eval"):
        assert _serialized(found[1], split) == _serialized(expected[1], split)
    names = [f"transformed_examples-{n:05d}-of-00003.gz" for n in range(3)]
    assert sorted(path.name for path in (found[1] / "Split-train").iterdir()) == names


@pytest.mark.slow
@pytest.mark.parametrize("mode", PARALLEL_MODES)
def test_transform_of_two_workers_is_that_of_one(tmp_path: Path, mode: str) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, 500, shard_rows=BATCH_ROWS)
    expected = execute(as_in_a_run(Executor), examples, ANALYZED, tmp_path / "one")
    found = execute(with_workers(Executor, mode), examples, ANALYZED, tmp_path / "two")
    _assert_same_assets(found[0], expected[0])
    for split, rows in (("train", 9_000), ("eval", 500)):
        ours, theirs = _records(found[1], split), _records(expected[1], split)
        assert len(ours) == len(theirs) == rows
        for row, other in zip(ours, theirs, strict=True):
            assert_alike(MessageToDict(row), MessageToDict(other), SCALED_FLOAT32)


def _assert_same_assets(graph: Path, other: Path) -> None:
    found, expected = (_files(folder / "transform_fn" / "assets") for folder in (graph, other))
    assert found == expected


def _serialized(folder: Path, split: str) -> list[bytes]:
    files = sorted(map(str, (folder / f"Split-{split}").iterdir()))
    return list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
