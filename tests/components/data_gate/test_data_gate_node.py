"""The gate as a node: its parameters, its speed, and a real run behind stock TFX nodes."""

import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.components import ExampleValidator, ImportExampleGen, SchemaGen, StatisticsGen
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration import metadata
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2
from tfx.types import Channel, standard_artifacts

from rankbeam.components.data_gate.component import DataGate
from rankbeam.components.data_gate.report import read_report
from rankbeam.components.data_gate.scan import scan
from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.schema_contract.component import SchemaContract
from rankbeam.pipeline.dag import BEAM_ARGS
from rankbeam.transform.errors import GateError
from tests.components.data_gate.gate_run import CONTRACT, OPTIONS, changed, good_rows
from tests.components.tf_examples import Row, encode, write_records


def build(folder: Path) -> list[BaseNode]:
    """The nodes from examples in `folder` to the gate."""
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=f"{name}/*") for name in ("train", "eval")
    ]
    examples = ImportExampleGen(
        input_base=str(folder), input_config=example_gen_pb2.Input(splits=splits)
    )
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    inferred = SchemaGen(statistics=statistics.outputs["statistics"], infer_feature_shape=False)
    contract = SchemaContract(schema=inferred.outputs["schema"], options=CONTRACT)
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=contract.outputs["schema"]
    )
    gate = DataGate(
        examples=examples.outputs["examples"],
        statistics=statistics.outputs["statistics"],
        schema=contract.outputs["schema"],
        anomalies=validator.outputs["anomalies"],
        options=OPTIONS,
    )
    return [examples, statistics, inferred, contract, validator, gate]


def run(folder: Path, train: list[Row], evaluated: list[Row]) -> Path:
    """Run the DAG on these rows; the folder of the gate's artifacts."""
    write_records(folder / "data" / "train", train)
    write_records(folder / "data" / "eval", evaluated)
    database = str(folder / "metadata.sqlite")
    LocalDagRunner().run(
        Pipeline(
            pipeline_name="gate",
            pipeline_root=str(folder / "root"),
            components=build(folder / "data"),
            metadata_connection_config=metadata.sqlite_metadata_connection_config(database),
            beam_pipeline_args=list(BEAM_ARGS),
        )
    )
    return folder / "root" / "DataGate" / "verdict"


def test_data_gate_node_passes_its_options_as_one_string() -> None:
    node = DataGate(
        examples=Channel(type=standard_artifacts.Examples),
        statistics=Channel(type=standard_artifacts.ExampleStatistics),
        schema=Channel(type=standard_artifacts.Schema),
        anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
        options=OPTIONS,
    )
    text = node.exec_properties["options"]
    assert isinstance(text, str)
    assert DataGateOptions.model_validate_json(text) == OPTIONS


def test_data_gate_node_compiles_for_kubeflow(tmp_path: Path) -> None:
    target = tmp_path / "gate.yaml"
    KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(),
        output_filename=str(target),
    ).run(Pipeline(pipeline_name="gate", pipeline_root=str(tmp_path), components=build(tmp_path)))
    text = target.read_text()
    assert "rankbeam.components.data_gate.executor.Executor" in text
    assert "rankbeam.components.schema_contract.executor.Executor" in text


@pytest.mark.slow
def test_data_gate_node_lets_good_data_through_a_dag(tmp_path: Path) -> None:
    verdicts = run(tmp_path, good_rows(80), good_rows(24))
    [verdict] = verdicts.iterdir()
    report = read_report(str(verdict))
    assert {name: split.rows for name, split in report.splits.items()} == {"train": 80, "eval": 24}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("evaluated", "message"),
    [
        (changed(good_rows(24), 5, device="toaster"), "eval: device: unexpected value 'toaster'"),
        ([], r"eval: must have at least 1 row \(data.split, gates.data.min_rows\); got 0"),
        ([{**row, "device": None} for row in good_rows(24)], "eval: device: no value in any of 24"),
    ],
    ids=["unknown-value", "empty-split", "null-column"],
)
def test_data_gate_node_stops_a_dag(tmp_path: Path, evaluated: list[Row], message: str) -> None:
    with pytest.raises(GateError, match=message):
        run(tmp_path, good_rows(80), evaluated)


def test_data_gate_node_counts_a_hundred_thousand_rows_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "data.gz"
    rng = np.random.default_rng(0)
    wide: list[Row] = [
        {
            **{f"text_{j}": str(rng.integers(1000)) for j in range(10)},
            **{f"number_{j}": float(rng.random()) for j in range(5)},
            "click": int(i % 8 == 0),
            "conversion": int(i % 16 == 0),
        }
        for i in range(64)
    ]
    patterns = encode(wide)
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for row in range(100_000):
            writer.write(patterns[row % 64])
    spent = []
    for _ in range(3):
        begin = time.process_time()
        tally = scan([str(path)], ["click", "conversion"], OPTIONS)
        spent.append(time.process_time() - begin)
    assert tally.rows == 100_000
    assert tally.positives == {"click": 12_500, "conversion": 6_250}
    assert min(spent) < 1.0
