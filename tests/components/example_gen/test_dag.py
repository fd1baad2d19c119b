"""The node in real runs: spans, caching, what StatisticsGen makes of its output, Kubeflow."""

import json
import os
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components import StatisticsGen
from tfx.orchestration import metadata
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from rankbeam.components.example_gen.component import example_gen
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.pipeline.dag import BEAM_ARGS
from tests.components.example_gen.runs import make_spec, split_bytes, write_parquet

pytestmark = pytest.mark.slow


def _pipeline(base: Path, path: str, span: int | None = None) -> Pipeline:
    spec = make_spec(path, columns={"name": "string", "click": "int", "gone": "string"})
    node = example_gen(spec, str(base), span)
    statistics = StatisticsGen(examples=node.outputs["examples"])
    return Pipeline(
        pipeline_name="log",
        pipeline_root=str(base / "root"),
        components=[node, statistics],
        enable_cache=True,
        beam_pipeline_args=list(BEAM_ARGS),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(base / "metadata.db")
        ),
    )


def _run(base: Path, span: int | None = None) -> None:
    LocalDagRunner().run(_pipeline(base, "log/{SPAN}", span))


def _store(base: Path) -> MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(base / "metadata.db")
    return MetadataStore(config)


def _examples(base: Path) -> list[tuple[int, int, Path]]:
    """Span, rows and folder of every Examples artifact, oldest first."""
    found = []
    for artifact in _store(base).get_artifacts_by_type("Examples"):
        properties = artifact.custom_properties
        counts = counts_from_json(properties[COUNTS_PROPERTY].string_value)
        rows = sum(split.rows for split in counts.values())
        found.append((properties["span"].int_value, rows, Path(artifact.uri)))
    return found


def _write_log(base: Path, span: int, rows: int) -> Path:
    path = base / "log" / str(span) / "part.parquet"
    names = ["" if number % 10 == 0 else f"n{number % 7}" for number in range(rows)]
    clicks = [number % 2 for number in range(rows)]
    write_parquet(path, {"name": names, "click": clicks, "gone": [None] * rows})
    return path


def test_dag_takes_the_latest_span_and_notices_changed_data(tmp_path: Path) -> None:
    _write_log(tmp_path, 9, 300)
    latest = _write_log(tmp_path, 10, 400)
    _run(tmp_path)
    assert [(span, rows) for span, rows, _ in _examples(tmp_path)] == [(10, 400)]
    _run(tmp_path)
    states = {
        execution.last_known_state
        for execution in _store(tmp_path).get_executions()
        if execution.id > 2
    }
    assert states == {metadata_store_pb2.Execution.CACHED}
    _run(tmp_path, span=9)
    assert [(span, rows) for span, rows, _ in _examples(tmp_path)][1:] == [(9, 300)]
    _write_log(tmp_path, 10, 500)
    # The fingerprint has whole seconds; the new time must differ even on a fast machine.
    os.utime(latest, (1_700_000_000, 1_700_000_000))
    _run(tmp_path)
    assert [(span, rows) for span, rows, _ in _examples(tmp_path)][2:] == [(10, 500)]


def test_dag_gives_equal_bytes_and_true_statistics(tmp_path: Path) -> None:
    outputs = []
    for place in ("first", "second"):
        base = tmp_path / place
        _write_log(base, 1, 1_000)
        _run(base)
        outputs.append(split_bytes(_examples(base)[0][2]))
    assert outputs[0] == outputs[1]
    [statistics] = (tmp_path / "first" / "root").glob("StatisticsGen/statistics/*/Split-train/*.pb")
    dataset = tfdv.load_stats_binary(str(statistics)).datasets[0]
    by_name = {feature.path.step[0]: feature for feature in dataset.features}
    assert by_name["click"].num_stats.num_zeros > 0
    assert by_name["click"].num_stats.common_stats.num_missing == 0
    top = {bucket.value: bucket.frequency for bucket in by_name["name"].string_stats.top_values}
    assert top[""] > 0
    gone = by_name["gone"].string_stats.common_stats
    assert gone.num_missing == dataset.num_examples


def test_dag_compiles_for_kubeflow(tmp_path: Path) -> None:
    _write_log(tmp_path, 1, 10)
    runner = KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image="image"),
        output_filename=str(tmp_path / "pipeline.json"),
    )
    runner.run(_pipeline(tmp_path, "log/{SPAN}"))
    compiled = json.loads((tmp_path / "pipeline.json").read_text())
    executors = compiled["pipelineSpec"]["deploymentSpec"]["executors"]
    container = executors["ExampleGen_executor"]["container"]
    assert "rankbeam.components.example_gen.executor.ArrowExampleGenExecutor" in container["args"]
    assert (
        "tfx.orchestration.kubeflow.v2.file_based_example_gen.driver"
        in (container["lifecycle"]["preCacheCheck"]["command"])
    )
