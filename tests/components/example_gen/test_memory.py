"""Memory does not grow with the number of rows."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.components.example_gen.runs import write_avro

# A million rows are about 90 MB in memory; a reader that keeps them cannot hide it.
_FEW, _MANY = 200_000, 1_400_000
_GROWTH_LIMIT_MB = 40

_INGEST_AND_TELL_PEAK = """
import re, sys, threading
from pathlib import Path
from tests.components.example_gen.runs import make_spec, run
base, path, kind, split = sys.argv[1:]
columns = {"user": "string", "offer": "string", "price": "float", "click": "int"}
splits = {
    "entity": {"kind": "entity_hash", "column": "user"},
    "time": {"kind": "time", "column": "price", "eval_fraction": 0.2},
}
# Not the peak that the system keeps: it counts mapped pages of files, which can be taken back.
seen, done = [], threading.Event()
def watch():
    while not done.wait(0.005):
        seen.append(int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
watching = threading.Thread(target=watch)
watching.start()
counts = run(make_spec(path, kind, columns=columns, split=splits[split]), Path(base), path + ".out")
done.set()
watching.join()
print(sum(c.rows for c in counts.values()), max(seen))
"""


def _write(base: Path, rows: int, kind: str) -> str:
    generator = np.random.default_rng(0)
    table = pa.table(
        {
            "user": np.char.add(
                "user-of-some-length-", generator.integers(0, rows, rows).astype(str)
            ),
            "offer": generator.integers(0, 10_000, rows).astype(str),
            "price": generator.normal(size=rows),
            "click": generator.integers(0, 2, rows),
        }
    )
    name = f"{rows}.{kind}"
    if kind == "csv":
        pyarrow.csv.write_csv(table, base / name)
    elif kind == "avro":
        fields = [{"name": n, "type": "string"} for n in ("user", "offer")]
        fields += [{"name": "price", "type": "double"}, {"name": "click", "type": "int"}]
        batches = (batch.to_pylist() for batch in table.to_batches(max_chunksize=10_000))
        write_avro(base / name, fields, chain.from_iterable(batches))
    else:
        # All in one row group, the hardest case.
        pq.write_table(table, base / name, row_group_size=rows)
    return name


def _peak_mb(base: Path, rows: int, kind: str, split: str) -> float:
    name = _write(base, rows, kind)
    command = [sys.executable, "-c", _INGEST_AND_TELL_PEAK, str(base), name, kind, split]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    counted, peak_kb = map(int, done.stdout.split())
    assert counted == rows
    return peak_kb / 1024


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "read_ahead_mb"), [("parquet", 0), ("avro", 0), ("csv", 32)])
def test_memory_is_bounded(tmp_path: Path, kind: str, read_ahead_mb: int) -> None:
    few = _peak_mb(tmp_path, _FEW, kind, "entity")
    many = _peak_mb(tmp_path, _MANY, kind, "entity")
    # Arrow reads up to 32 blocks of 1 MB of text ahead, which the smaller file does not fill.
    assert many - few < _GROWTH_LIMIT_MB + read_ahead_mb


@pytest.mark.slow
def test_memory_of_a_time_split_grows_by_its_times_only(tmp_path: Path) -> None:
    few = _peak_mb(tmp_path, 100_000, "parquet", "time")
    many = _peak_mb(tmp_path, 1_000_000, "parquet", "time")
    # 8 bytes a row are 7.2 MB more; finding the boundary holds them five times over for a moment.
    assert many - few < _GROWTH_LIMIT_MB + 5 * 7.2
