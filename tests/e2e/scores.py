"""What pushed models answer, asked without Rankbeam."""

import json
import subprocess
import sys
from pathlib import Path

# All models on the log's own rows, by TensorFlow alone: a line of scores for each.
_ASK = """
import glob, json, sys
import pyarrow.parquet as pq
import tensorflow as tf

log, *folders = sys.argv[1:]
[file] = glob.glob(log)
table = pq.ParquetFile(file).read(["offer_id", "device", "price"])
examples = []
for row in table.to_pylist():
    example = tf.train.Example()
    for name in ("offer_id", "device"):
        example.features.feature[name].bytes_list.value.append(row[name].encode())
    example.features.feature["price"].float_list.value.append(row["price"])
    examples.append(example.SerializeToString())
for folder in folders:
    serve = tf.saved_model.load(folder).signatures["serving_default"]
    scores = serve(examples=tf.constant(examples))
    print(json.dumps({name: value.numpy().ravel().tolist() for name, value in scores.items()}))
assert not any(name.split(".")[0] == "rankbeam" for name in sys.modules)
"""


def scores(market: Path, *folders: Path) -> list[dict[str, list[float]]]:
    """For each SavedModel, each output's scores of the rows of the market's first span."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ASK, f"{market}/span-1/log/*.parquet", *map(str, folders)],
        capture_output=True,
        text=True,
        check=True,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
