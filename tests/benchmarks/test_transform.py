"""The Transform benchmark runs both sides through TFX's own executor."""

from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from benchmarks import transform
from rankbeam.transform.layout import read_layout


@pytest.mark.slow
def test_transform_benchmark_runs_both_sides(tmp_path: Path) -> None:
    transform.prepare(tmp_path, num_rows=300)
    for side in transform.SIDES:
        assert transform.run_node(side, True, tmp_path, tmp_path / side) > 0
    ours = tmp_path / "rankbeam"
    layout = read_layout(str(ours / "graph"), transform.OPTIONS)
    assert layout["text_0"].index_size == 1 + 1 + transform.SIZES[0]
    spec = tft.TFTransformOutput(str(ours / "graph")).transformed_feature_spec()
    files = tf.io.gfile.glob(str(ours / "transformed" / "Split-train" / "*.gz"))
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP"))
    columns = tf.io.parse_example(tf.stack(records), spec)
    assert set(columns) == set(transform.OPTIONS.features) | set(transform.LABELS)
    assert columns["text_0"].shape == (240, 1)
