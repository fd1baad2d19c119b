"""How long the whole DAG takes on Beam's own runner, and on Flink and Spark on the same machine.

One marketplace is simulated for each size; every runner takes it to a pushed model, as a user would
run it: `rankbeam engine up`, `rankbeam run --beam-runner`, `rankbeam engine down`. Memory is
resident memory, sampled: of the run with what it started, its Python workers among that, and of the
engine, which is one Java process.
Run: `python -m benchmarks.engines [--rows 100000 1000000]`; needs Java, and Maven the first time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.memory import family, resident_mb
from rankbeam.pipeline.embedded import embedded_config
from rankbeam.pipeline.engines.places import KINDS, STATE_VARIABLE, Places
from rankbeam.pipeline.engines.processes import marked
from rankbeam.pipeline.runs.record import records_below
from rankbeam.simulator.spec import MarketplaceSpec
from rankbeam.simulator.write import write

ROWS = (100_000, 1_000_000)
RUNNERS = ("direct", *KINDS)
BEAM_NODES = ("StatisticsGen", "Transform", "Evaluator")
RANKBEAM = str(Path(sys.executable).with_name("rankbeam"))
_SAMPLE_S = 0.5
_LOG_TAIL = 20


@dataclasses.dataclass(frozen=True)
class Run:
    """The DAG on one runner.

    Attributes:
        runner: direct, flink or spark.
        rows: Simulated impressions.
        seconds: By node, in the order of the nodes.
        process_s: From the command's start to its end; the engine was up before.
        peak_mb: By group of processes (run, engine): most memory at one time.
    """

    runner: str
    rows: int
    seconds: dict[str, float]
    process_s: float
    peak_mb: dict[str, float]


def groups(run: int, engine: Path | None) -> dict[str, list[int]]:
    """The processes of a run and of the engine whose folder is given."""
    return {"run": sorted(family(run)), "engine": marked(str(engine)) if engine else []}


def run_sampled(
    command: Sequence[str], environment: Mapping[str, str], log: Path, engine: Path | None
) -> tuple[float, dict[str, float]]:
    """Seconds of a command, and peak memory by group of processes.

    Raises:
        RuntimeError: It ended with another exit code than 0; the message holds the end of its log.
    """
    peaks: dict[str, float] = {}
    begin = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent
        )
        while process.poll() is None:
            for name, pids in groups(process.pid, engine).items():
                peaks[name] = max(peaks.get(name, 0.0), resident_mb(pids))
            time.sleep(_SAMPLE_S)
    seconds = time.monotonic() - begin
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:]
        raise RuntimeError("\n".join([f"exit code {process.returncode} of {command}", *tail]))
    return seconds, peaks


def run_dag(runner: str, rows: int, market: Path, folder: Path) -> Run:
    """The embedded default on one runner, whose engine is started before and ended after."""
    # In a folder of its own, so that an engine which is up here is not touched.
    environment = {**os.environ, STATE_VARIABLE: str(folder / "state")}
    kind = next((kind for kind in KINDS if kind == runner), None)
    engine = Places(folder, folder / "state").engine(kind) if kind else None
    output = folder / f"{runner}-{rows}"
    places = ["--data", str(market), "--output", str(output)]
    command = [RANKBEAM, "run", str(embedded_config()), *places, "--beam-runner", runner]
    try:
        if engine:
            run_sampled([RANKBEAM, "engine", "up", runner], environment, folder / "up.txt", None)
        seconds, peaks = run_sampled(command, environment, folder / f"{runner}.txt", engine)
    finally:
        if engine:
            subprocess.run([RANKBEAM, "engine", "down", runner], env=environment, check=True)
    (_, record), *_ = records_below(output)
    return Run(runner, rows, {one.node: one.seconds for one in record.nodes}, seconds, peaks)


def table(runs: Sequence[Run]) -> list[str]:
    """Markdown: seconds of the Beam nodes and of the run, its ratio to Beam's own, and memory."""
    heads = ["rows", "runner", *BEAM_NODES, "all", "ratio", "run, MB", "engine, MB"]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for run in runs:
        own = [one.process_s for one in runs if (one.rows, one.runner) == (run.rows, "direct")]
        cells = [f"{run.rows:,}", run.runner, *(f"{run.seconds[node]:.1f}" for node in BEAM_NODES)]
        cells += [f"{run.process_s:.0f}", f"{run.process_s / own[0]:.2f}" if own else "–"]
        cells += [f"{run.peak_mb[name]:,.0f}" for name in ("run", "engine")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    """Runs every size on every runner and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--runners", nargs="+", choices=RUNNERS, default=list(RUNNERS))
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    runs = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="rankbeam-engines-") as place:
            folder = Path(place)
            market = write(MarketplaceSpec(impressions=rows), folder / "market").directory
            for runner in options.runners:
                runs.append(run_dag(runner, rows, market, folder))
                sys.stderr.write(f"{rows:,} rows, {runner}: {runs[-1].process_s:.0f} s\n")
    if options.json is not None:
        told = [dataclasses.asdict(run) for run in runs]
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(f"{os.cpu_count()} cores\n", *table(runs), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
