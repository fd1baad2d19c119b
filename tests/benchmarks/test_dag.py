"""What benchmarks/dag.py measures, and that both of its sides are given the same work."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from benchmarks.dag import Run, StepFailedError, captured, run_measured, table
from benchmarks.vanilla.data import LIST_SEPARATOR, write_csv
from benchmarks.vanilla.evaluation import build_eval_config
from rankbeam.components.evaluator.spec import EvaluationSpec, MetricGate
from rankbeam.components.example_gen.ingest import ingest
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.embedded import embedded_config
from rankbeam.pipeline.options import example_gen_spec
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import write


def _run(side: str, **seconds: float) -> Run:
    return Run(side, seconds, 1.0, {})


def test_table_takes_min_and_median_and_leaves_out_what_a_side_lacks() -> None:
    runs = [
        _run("ours", Gate=1.0, DAG=10.0),
        _run("vanilla", DAG=40.0),
        _run("ours", Gate=2.0, DAG=20.0),
        _run("vanilla", DAG=80.0),
    ]
    cells = [line.split() for line in table(runs)[1:]]
    assert cells == [
        ["Gate", "1.0", "–", "–", "1.5", "–", "–"],
        ["DAG", "10.0", "40.0", "0.25", "15.0", "60.0", "0.25"],
    ]


def test_table_of_single_runs_has_no_median() -> None:
    lines = table([_run("ours", DAG=1.0), _run("vanilla", DAG=3.0)])
    assert [line.split()[1:] for line in lines] == [
        ["ours", "min", "vanilla", "min", "ratio", "min"],
        ["1.0", "3.0", "0.33"],
    ]


def test_run_measured_counts_the_memory_of_descendants(tmp_path: Path) -> None:
    child = "held = b'x' * 300_000_000"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    # A process of its own calls it: this one is large, and its peak would count.
    caller = (
        "import pathlib, sys; from benchmarks.dag import run_measured; "
        f"print(*run_measured([sys.executable, '-c', {parent!r}], pathlib.Path(sys.argv[1])))"
    )
    printed = captured([sys.executable, "-c", caller, str(tmp_path / "log.txt")])
    seconds, peak_mb = map(float, printed.split())
    assert 300 < peak_mb < 350
    assert 0 < seconds < 60


def test_run_measured_raises_with_the_end_of_the_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such column')"]
    with pytest.raises(StepFailedError, match=r"exit code 1 .*\nno such column"):
        run_measured(command, tmp_path / "log.txt")


def test_csv_holds_the_rows_that_our_example_gen_writes(tmp_path: Path) -> None:
    folder = write(MarketplaceSpec(impressions=2_000), tmp_path / "log").directory
    config = load_config(embedded_config(), folder).config
    counts = write_csv(config, folder, tmp_path / "csv")
    files = {"all": [str(file) for file in (folder / "log").glob("*.parquet")]}
    ingest(example_gen_spec(config), files, str(tmp_path / "examples"))
    for split, rows in counts.items():
        with (tmp_path / "csv" / split / "data.csv").open(encoding="utf-8", newline="") as file:
            found = [_as_csv(row) for row in csv.DictReader(file)]
        assert len(found) == rows
        assert found == _examples(tmp_path / "examples" / f"Split-{split}")


def _as_csv(row: dict[str, str]) -> dict[str, list[str]]:
    """Column to the texts of its values; numbers as float32 has them."""
    return {name: _texts(text.split(LIST_SEPARATOR)) for name, text in row.items() if text}


def _texts(values: list[Any]) -> list[str]:
    texts = []
    for value in values:
        try:
            texts.append(f"{float(value):.6g}")
        except ValueError:
            texts.append(value)
    return texts


def _examples(folder: Path) -> list[dict[str, list[str]]]:
    rows = []
    for record in tf.data.TFRecordDataset(
        [str(file) for file in folder.glob("*.gz")], "GZIP"
    ).as_numpy_iterator():
        row = {}
        for name, feature in tf.train.Example.FromString(record).features.feature.items():
            kind = feature.WhichOneof("kind")
            if kind is not None:
                values = getattr(feature, kind).value
                row[name] = _texts([v.decode() for v in values] if kind == "bytes_list" else values)
        rows.append(row)
    return rows


def test_stock_eval_config_covers_outputs_slices_and_gates() -> None:
    config = load_config(embedded_config()).config
    built = build_eval_config(config.evaluation, config.evaluated_outputs)
    assert [spec.output_names for spec in built.metrics_specs] == [
        ["click"],
        ["conversion"],
        ["ctcvr"],
    ]
    assert len(built.slicing_specs) == 1 + len(config.evaluation.slices)
    thresholds = [
        (spec.output_names[0], metric.class_name, dict(slices.feature_values))
        for spec in built.metrics_specs
        for metric in spec.metrics
        for threshold in metric.per_slice_thresholds
        for slices in threshold.slicing_specs
    ]
    names = {"auc": "AUC", "calibration": "Calibration", "log_loss": "BinaryCrossEntropy"}
    assert sorted(thresholds, key=json.dumps) == sorted(
        ((gate.output, names[gate.metric], dict(gate.slice)) for gate in config.evaluation.gates),
        key=json.dumps,
    )


def test_stock_eval_config_refuses_a_gate_that_tfma_cannot_hold() -> None:
    spec = EvaluationSpec(gates=(MetricGate(output="click", metric="ece", max=0.1),))
    outputs = load_config(embedded_config()).config.evaluated_outputs
    with pytest.raises(ValueError, match=r"a gate must be on auc, .*; got ece"):
        build_eval_config(spec, outputs)
