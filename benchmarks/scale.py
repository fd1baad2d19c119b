"""How the DAG's time and memory grow with the rows, on one machine.

For each size a marketplace is simulated, block by block, and the DAG runs on it up to the Trainer
(one epoch), in a process of its own and an empty folder that is removed afterwards. Memory is the
resident memory of that process and all its descendants, sampled while the node runs.
The largest size runs once; the others, which a slow minute of the machine would distort, three
times, before and after it: their seconds are medians.
Run: `python benchmarks/scale.py [--rows 100000 1000000 5000000 20000000]`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import write

ROWS = (100_000, 1_000_000, 5_000_000, 20_000_000)
JUDGED = ("ExampleGen", "StatisticsGen", "Transform", "Trainer")
MAX_EXPONENT = 1.05
MAX_PEAK_MB = 8_000
"""Of the whole run with the most rows."""
ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Size:
    """What the DAG did with one number of rows.

    Attributes:
        rows: Simulated impressions.
        seconds: By node, in the order of the nodes; medians, where the size ran more than once.
        peak_mb: By node, in MB of 10**6 bytes; what earlier nodes left in memory counts. The
            highest, where the size ran more than once.
    """

    rows: int
    seconds: dict[str, float]
    peak_mb: dict[str, float]


def exponent(sizes: Sequence[tuple[int, float]]) -> float:
    """Slope of the least-squares line through (log rows, log seconds).

    Raises:
        ValueError: There are fewer than two sizes.
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes must be at least 2; got {len(sizes)}")
    points = [(math.log(rows), math.log(max(seconds, 1e-3))) for rows, seconds in sizes]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)


def exponents(sizes: Sequence[Size], node: str) -> tuple[float, float]:
    """Of a node's seconds: over all sizes, and over the two largest.

    The first is flattered by what a node costs without rows, which hardly counts in the second.
    """
    points = [(size.rows, size.seconds[node]) for size in sorted(sizes, key=lambda one: one.rows)]
    return exponent(points), exponent(points[-2:])


def verdicts(sizes: Sequence[Size]) -> list[str]:
    """Whether the promises are kept, one line for each; of time only with two sizes or more."""
    lines = []
    for node in JUDGED if len(sizes) > 1 else ():
        plain, last = exponents(sizes, node)
        word = "met   " if max(plain, last) <= MAX_EXPONENT else "MISSED"
        lines.append(
            f"- {word} {node}: seconds grow with rows to the {plain:.2f}, between the two largest "
            f"sizes to the {last:.2f} (at most {MAX_EXPONENT})"
        )
    largest = max(sizes, key=lambda one: one.rows)
    peak = max(largest.peak_mb.values())
    word = "met   " if peak < MAX_PEAK_MB else "MISSED"
    lines.append(
        f"- {word} peak memory at {largest.rows:,} rows: {peak:,.0f} MB (< {MAX_PEAK_MB:,})"
    )
    return lines


def table(sizes: Sequence[Size]) -> list[str]:
    """Markdown: a line for each node that took a second anywhere; seconds and peak by size."""
    heads = [f"{size.rows:,}" for size in sizes]
    lines = ["| s / MB | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(sizes)]
    for node in sizes[0].seconds:
        if max(size.seconds[node] for size in sizes) >= 1:
            cells = [f"{size.seconds[node]:.1f} / {size.peak_mb[node]:,.0f}" for size in sizes]
            lines.append(f"| {node} | " + " | ".join(cells) + " |")
    totals = [sum(size.seconds.values()) for size in sizes]
    cells = [
        f"{total:.0f}, {total / size.rows * 1e6:.0f} µs/row"
        for total, size in zip(totals, sizes, strict=True)
    ]
    return [*lines, "| all | " + " | ".join(cells) + " |"]


def measure(rows: int, folder: Path, beam_args: Sequence[str]) -> Size:
    """Simulates `rows` impressions in `folder`, runs the DAG in a process of its own, tidies up.

    Raises:
        RuntimeError: The DAG failed; its words went to the standard error.
    """
    begin = time.monotonic()
    market = write(MarketplaceSpec(impressions=rows), folder / "market").directory
    shutil.rmtree(market / "truth")
    sys.stderr.write(f"{rows:,} rows, simulated in {time.monotonic() - begin:.0f} s\n")
    result = folder / "result.json"
    places = [str(market), str(folder / "output"), str(result)]
    command = [sys.executable, "-m", "benchmarks.scale_run", *places, *beam_args]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    if subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode:
        raise RuntimeError(f"the DAG must run on {rows:,} rows; it failed")
    found = json.loads(result.read_text(encoding="utf-8"))
    return Size(rows, found["seconds"], found["peak_mb"])


def schedule(rows: Sequence[int], repeats: int) -> list[int]:
    """Every size, smallest first, then all but the largest again until they ran `repeats` times."""
    smaller, largest = sorted(rows)[:-1], max(rows)
    return [*smaller, largest, *(smaller * (repeats - 1))]


def combined(runs: Sequence[Size]) -> list[Size]:
    """One entry for each number of rows, smallest first."""
    sizes = []
    for rows in sorted({run.rows for run in runs}):
        same = [run for run in runs if run.rows == rows]
        nodes = list(same[0].seconds)
        seconds = {node: statistics.median(run.seconds[node] for run in same) for node in nodes}
        peak_mb = {node: max(run.peak_mb[node] for run in same) for node in nodes}
        sizes.append(Size(rows, seconds, peak_mb))
    return sizes


def main() -> int:
    """Measures every size and prints the table; returns 1 where a promise was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--repeats", type=int, default=3, help="of all sizes but the largest")
    parser.add_argument("--folder", type=Path, help="for the data; needs some 500 bytes a row")
    parser.add_argument("--beam", action="append", default=[], help="an option of Beam's runner")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    runs = []
    for rows in schedule(options.rows, options.repeats):
        with tempfile.TemporaryDirectory(prefix="rankbeam-scale-", dir=options.folder) as folder:
            runs.append(measure(rows, Path(folder), options.beam))
        if options.json is not None:
            told = [dataclasses.asdict(run) for run in runs]
            options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    sizes = combined(runs)
    judged = verdicts(sizes)
    print(f"{os.cpu_count()} cores\n", *table(sizes), "", *judged, sep="\n")
    return int(any("MISSED" in line for line in judged))


if __name__ == "__main__":
    sys.exit(main())
