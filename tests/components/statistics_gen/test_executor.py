"""Our executor's statistics are the stock executor's."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.statistics_gen.executor import Executor as StockExecutor
from tfx.types import Artifact, Channel, artifact_utils, standard_artifacts

from rankbeam.components.example_batches.records import BATCH_ROWS, split_files
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.components.statistics_gen.component import StatisticsGen
from rankbeam.components.statistics_gen.executor import Executor
from tests.components.example_batches.artifact import write_examples
from tests.components.example_batches.workers import PARALLEL_MODES, with_workers
from tests.e2e.compared import SUMMATION, assert_alike


def _statistics(executor: Any, examples: Artifact, folder: Path) -> dict[str, Any]:
    """Split name to its statistics, with the features in order of name."""
    node = StatisticsGen(examples=Channel(type=standard_artifacts.Examples))
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    properties = {name: value for name, value in node.exec_properties.items() if value is not None}
    executor.Do({"examples": [examples]}, {"statistics": [statistics]}, properties)
    found = {}
    for split in artifact_utils.decode_split_names(statistics.split_names):
        data = (folder / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        message = statistics_pb2.DatasetFeatureStatisticsList.FromString(data)
        for dataset in message.datasets:
            dataset.features.sort(key=lambda feature: tuple(feature.path.step))
        found[split] = json_format.MessageToDict(message)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("evaluated", [500, 0])
def test_statistics_are_those_of_the_stock_executor(tmp_path: Path, evaluated: int) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, evaluated)
    found = _statistics(Executor(), examples, tmp_path / "ours")
    expected = _statistics(StockExecutor(), examples, tmp_path / "stock")
    assert_alike(found, expected, SUMMATION)
    [dataset] = found["train"]["datasets"]
    assert int(dataset["numExamples"]) == 9_000
    assert len(dataset["features"]) == 7


@pytest.mark.slow
def test_statistics_of_several_files_are_those_of_one(tmp_path: Path) -> None:
    one = write_examples(tmp_path / "one", 9_000, 500)
    several = write_examples(tmp_path / "several", 9_000, 500, shard_rows=BATCH_ROWS)
    assert len(split_files(f"{several.uri}/Split-train")) == 3
    expected = _statistics(Executor(), one, tmp_path / "expected")
    assert _statistics(Executor(), several, tmp_path / "found") == expected


@pytest.mark.slow
@pytest.mark.parametrize("mode", PARALLEL_MODES)
def test_statistics_of_two_workers_are_those_of_one(tmp_path: Path, mode: str) -> None:
    examples = write_examples(tmp_path / "examples", 9_000, 500, shard_rows=BATCH_ROWS)
    expected = _statistics(Executor(), examples, tmp_path / "one")
    found = _statistics(with_workers(Executor, mode), examples, tmp_path / "two")
    assert_alike(found, expected, SUMMATION)


@pytest.mark.slow
def test_examples_of_another_example_gen_have_statistics_too(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", 300, 50)
    expected = _statistics(Executor(), examples, tmp_path / "known")
    examples.set_string_custom_property(COUNTS_PROPERTY, "")
    found = _statistics(Executor(), examples, tmp_path / "unknown")
    assert_alike(found, expected, SUMMATION)
