"""Splits of several files on Flink and on Spark: what comes of them is that of one file here.

On Spark only Transform, which reads as StatisticsGen does and writes a file for each that it reads.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tfx.types import Artifact

from rankbeam.components.example_batches.records import BATCH_ROWS, split_files
from rankbeam.components.statistics_gen.executor import Executor as StatisticsExecutor
from rankbeam.components.transform.executor import Executor as TransformExecutor
from rankbeam.pipeline.beam.arguments import Place, portable_arguments
from rankbeam.pipeline.beam.spec import FlinkSpec, LoopbackEnvironment, SparkSpec
from rankbeam.pipeline.engines.places import KINDS, EngineKind, Places
from rankbeam.pipeline.engines.state import read_state
from tests.components.example_batches.artifact import write_examples
from tests.components.example_batches.workers import as_in_a_run, with_arguments
from tests.components.statistics_gen.computed import statistics_of
from tests.components.transform.executed import ANALYZED, execute
from tests.e2e.compared import SCALED_FLOAT32, SUMMATION, assert_alike
from tests.e2e.engines import engine

pytestmark = [
    pytest.mark.slow,
    # Beam's worker, which is in this process, complains when an engine that is done hangs up.
    pytest.mark.filterwarnings(
        "ignore:Exception in thread (read_grpc_client_inputs|run_worker_)"
        ":pytest.PytestUnhandledThreadExceptionWarning"
    ),
]

_SLOTS = 2
_ROWS = {"train": 2 * BATCH_ROWS + 100, "eval": BATCH_ROWS + 100}


@pytest.fixture(scope="module", params=KINDS)
def words(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sequence[str]]:
    """What Beam is told for an engine that is up, with its workers in this process."""
    kind: EngineKind = request.param
    state = tmp_path_factory.mktemp(kind)
    with engine(kind, state, "--slots", _SLOTS):
        found = read_state(Places(state, state).engine(kind))
        assert found is not None
        place = Place(found.endpoint, LoopbackEnvironment(kind="loopback"), _SLOTS)
        yield portable_arguments(FlinkSpec() if kind == "flink" else SparkSpec(), place)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The rows in one file for each split."""
    return write_examples(tmp_path_factory.mktemp("one"), _ROWS["train"], _ROWS["eval"])


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The same rows, of one split in more files than there are slots."""
    folder = tmp_path_factory.mktemp("several")
    examples = write_examples(folder, _ROWS["train"], _ROWS["eval"], shard_rows=BATCH_ROWS)
    files = {split: len(split_files(f"{folder}/Split-{split}")) for split in _ROWS}
    assert files == {"train": _SLOTS + 1, "eval": 2}
    return examples


@dataclass(frozen=True)
class Transformed:
    """What Transform wrote.

    Attributes:
        assets: Its vocabularies, by file.
        rows: Each split's rows, in order.
    """

    assets: Mapping[str, bytes]
    rows: Mapping[str, Sequence[object]]


@pytest.fixture(scope="module")
def transformed(one: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """By Beam's own runner, from one file."""
    folder = tmp_path_factory.mktemp("transformed")
    return _read(*execute(as_in_a_run(TransformExecutor), one, ANALYZED, folder))


def _read(graph: Path, examples: Path) -> Transformed:
    folder = graph / "transform_fn" / "assets"
    return Transformed(
        {path.name: path.read_bytes() for path in folder.iterdir()},
        {split: _in_order(examples / f"Split-{split}") for split in _ROWS},
    )


def _in_order(folder: Path) -> list[object]:
    files = sorted(map(str, folder.iterdir()))
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    return [MessageToDict(tf.train.Example.FromString(record)) for record in records]


@pytest.mark.parametrize("words", ["flink"], indirect=True)
def test_statistics_of_several_files_are_the_same(
    words: Sequence[str], one: Artifact, several: Artifact, tmp_path: Path
) -> None:
    expected = statistics_of(as_in_a_run(StatisticsExecutor), one, tmp_path / "expected")
    there = with_arguments(StatisticsExecutor, words)
    found = statistics_of(there, several, tmp_path / "found")
    assert_alike(found, expected, SUMMATION)
    assert {split: int(found[split]["datasets"][0]["numExamples"]) for split in _ROWS} == _ROWS


def test_transform_of_several_files_is_the_same(
    words: Sequence[str], several: Artifact, transformed: Transformed, tmp_path: Path
) -> None:
    there = with_arguments(TransformExecutor, words)
    found = _read(*execute(there, several, ANALYZED, tmp_path / "found"))
    assert found.assets == transformed.assets
    assert any(found.assets.values())
    # Files are as they were cut, so the rows' order is too.
    assert {split: len(rows) for split, rows in found.rows.items()} == _ROWS
    assert_alike(found.rows, transformed.rows, SCALED_FLOAT32)
