"""Our executor's statistics are the stock executor's."""

from pathlib import Path

import pytest
from tfx.components.statistics_gen.executor import Executor as StockExecutor

from rankbeam.components.example_batches.records import BATCH_ROWS, split_files
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.components.statistics_gen.executor import Executor
from tests.components.example_batches.artifact import write_examples
from tests.components.example_batches.workers import PARALLEL_MODES, as_in_a_run, with_workers
from tests.components.statistics_gen.computed import statistics_of
from tests.e2e.compared import SUMMATION, assert_alike


@pytest.mark.slow
@pytest.mark.parametrize("evaluated", [500, 0])
def test_statistics_are_those_of_the_stock_executor(tmp_path: Path, evaluated: int) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, evaluated)
    found = statistics_of(as_in_a_run(Executor), examples, tmp_path / "ours")
    expected = statistics_of(as_in_a_run(StockExecutor), examples, tmp_path / "stock")
    assert_alike(found, expected, SUMMATION)
    [dataset] = found["train"]["datasets"]
    assert int(dataset["numExamples"]) == 9_000
    assert len(dataset["features"]) == 7


@pytest.mark.slow
def test_statistics_of_several_files_are_those_of_one(tmp_path: Path) -> None:
    one = write_examples(tmp_path / "one", 9_000, 500)
    several = write_examples(tmp_path / "several", 9_000, 500, shard_rows=BATCH_ROWS)
    assert len(split_files(f"{several.uri}/Split-train")) == 3
    expected = statistics_of(as_in_a_run(Executor), one, tmp_path / "expected")
    assert statistics_of(as_in_a_run(Executor), several, tmp_path / "found") == expected


@pytest.mark.slow
@pytest.mark.parametrize("mode", PARALLEL_MODES)
def test_statistics_of_two_workers_are_those_of_one(tmp_path: Path, mode: str) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, 500, shard_rows=BATCH_ROWS)
    expected = statistics_of(as_in_a_run(Executor), examples, tmp_path / "one")
    found = statistics_of(with_workers(Executor, mode), examples, tmp_path / "two")
    assert_alike(found, expected, SUMMATION)


@pytest.mark.slow
def test_examples_of_another_example_gen_have_statistics_too(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", 300, 50)
    expected = statistics_of(as_in_a_run(Executor), examples, tmp_path / "known")
    examples.set_string_custom_property(COUNTS_PROPERTY, "")
    found = statistics_of(as_in_a_run(Executor), examples, tmp_path / "unknown")
    assert_alike(found, expected, SUMMATION)
