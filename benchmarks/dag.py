"""How long Rankbeam's DAG takes, against a plain TFX DAG that does the same work.

Both sides read the same simulated impressions, split them alike, train the same architecture, are
judged by the same gates and push; `benchmarks/vanilla` is the plain side and README.md says what
differs. Each DAG is a process of its own, in turn, with an empty output folder.
Run: `python benchmarks/dag.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.embedded import embedded_config
from rankbeam.pipeline.layout import OutputLayout

ROOT = Path(__file__).resolve().parent.parent
SIDES = ("ours", "vanilla")
# Nodes of the plain DAG that have another name in ours.
COUNTERPARTS = {"CsvExampleGen": "ExampleGen", "latest_blessed_model_resolver": "Baseline"}
_WARM_UP = "from tfx import v1; import tensorflow_model_analysis, tensorflow_recommenders"
_LOG_TAIL = 40


class StepFailedError(Exception):
    """A process ended badly; the message holds the end of its log."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One DAG.

    Attributes:
        side: ours or vanilla.
        seconds: By node, in the order of their starts, then of the `DAG` (from the first node's
            start to the last one's end) and of the `process` (imports included).
        peak_mb: Most resident memory of any of its processes, in MB of 10**6 bytes.
        evaluation: Eval rows, positives and AUC of the pushed model.
    """

    side: str
    seconds: dict[str, float]
    peak_mb: float
    evaluation: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What both sides read.

    Attributes:
        config: The config file.
        log: Folder of the simulated marketplace.
        csv: Folder with the same rows as CSV, by split.
        rows: JSON of the rows of each split.
    """

    config: Path
    log: Path
    csv: Path
    rows: str


def run_measured(command: Sequence[str], log: Path) -> tuple[float, float]:
    """Seconds and peak memory (MB, the process or its largest descendant) of a command.

    A new process starts with its parent's peak, so the caller's own memory must be small: this
    module imports no TensorFlow.

    Raises:
        StepFailedError: It ended with another exit code than 0.
    """
    with log.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:]
        lines = "\n".join([f"exit code {process.returncode} of {' '.join(command)}", *tail])
        raise StepFailedError(lines)
    return seconds, usage.ru_maxrss * 1024 / 1e6


def captured(command: Sequence[str]) -> str:
    """The last line that a command prints.

    Raises:
        StepFailedError: It ended with another exit code than 0.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepFailedError(f"exit code {done.returncode} of {' '.join(command)}\n{done.stderr}")
    return done.stdout.splitlines()[-1]


def rankbeam(*arguments: str) -> list[str]:
    """The installed command line beside this interpreter."""
    return [str(Path(sys.executable).with_name("rankbeam")), *arguments]


def prepare(impressions: int, folder: Path) -> Inputs:
    """Simulates the marketplace, writes it as CSV, and brings the libraries into the disk cache."""
    config, log, csv = embedded_config(), folder / "marketplace", folder / "csv"
    captured(rankbeam("simulate", "--impressions", str(impressions), "--output", str(log)))
    module = [sys.executable, "-m", "benchmarks.vanilla.data"]
    rows = captured([*module, str(config), str(log), str(csv)])
    run_measured([sys.executable, "-c", _WARM_UP], folder / "warm_up.txt")
    return Inputs(config, log, csv, rows)


def dag_command(side: str, inputs: Inputs, output: Path) -> list[str]:
    """What runs one side's DAG."""
    if side == "ours":
        places = ["--data", str(inputs.log), "--output", str(output)]
        return rankbeam("run", str(inputs.config), *places)
    module = [sys.executable, "-m", "benchmarks.vanilla.pipeline"]
    told = {"config": inputs.config, "csv": inputs.csv, "rows": inputs.rows, "output": output}
    return [*module, *(part for key, value in told.items() for part in (f"--{key}", str(value)))]


def pushed_folder(side: str, inputs: Inputs, output: Path) -> Path:
    """Where one side pushes to."""
    if side == "ours":
        configured = load_config(inputs.config).config.push.destination
        return Path(OutputLayout(output).destination(configured))
    return output / "serving"


def run_dag(side: str, inputs: Inputs, output: Path) -> Run:
    """Runs one side's DAG in an empty folder and reads what it did."""
    output.mkdir()
    log = output.with_suffix(".txt")
    process_s, peak_mb = run_measured(dag_command(side, inputs, output), log)
    pushed = pushed_folder(side, inputs, output)
    module = [sys.executable, "-m", "benchmarks.dag_results"]
    found = json.loads(captured([*module, str(inputs.config), str(output), str(pushed)]))
    nodes = {COUNTERPARTS.get(name, name): value for name, value in found["nodes"].items()}
    seconds = nodes | {"DAG": found["dag"], "process": process_s}
    return Run(side, seconds, peak_mb, found["eval"])


def run_cached(inputs: Inputs, output: Path) -> dict[str, Any]:
    """Our DAG once more in the same folder: seconds of the process, and states of the nodes."""
    command = dag_command("ours", inputs, output)
    seconds, _ = run_measured(command, output.with_suffix(".cached.txt"))
    record = max(output.glob("runs/*/run.json"))
    nodes = json.loads(record.read_text(encoding="utf-8"))["nodes"]
    return {"process": seconds, "states": {node["node"]: node["state"] for node in nodes}}


def table(runs: Sequence[Run]) -> list[str]:
    """Seconds by node and side with their ratio: the least over repeats, and then the median."""
    reductions: dict[str, Callable[[list[float]], float]] = {"min": min}
    if len(runs) > len({run.side for run in runs}):
        reductions["median"] = statistics.median
    heads = [f"{side} {name}" for name in reductions for side in (*SIDES, "ratio")]
    lines = [f"{'seconds':<17}" + "".join(f"{head:>16}" for head in heads)]
    for name in dict.fromkeys(name for run in runs for name in run.seconds):
        cells: list[str] = []
        for reduce in reductions.values():
            pair = [_reduced(runs, side, name, reduce) for side in SIDES]
            cells += [_cell(value, 1) for value in pair] + [_cell(_ratio(pair), 2)]
        lines.append(f"{name:<17}" + "".join(f"{cell:>16}" for cell in cells))
    return lines


def _reduced(
    runs: Sequence[Run], side: str, name: str, reduce: Callable[[list[float]], float]
) -> float | None:
    values = [run.seconds[name] for run in runs if run.side == side and name in run.seconds]
    return reduce(values) if values else None


def _ratio(pair: Sequence[float | None]) -> float | None:
    ours, vanilla = pair
    return ours / vanilla if ours is not None and vanilla else None


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def describe(run: Run) -> str:
    """Memory and quality of one run."""
    found = run.evaluation
    scores = ", ".join(
        f"{name} AUC {score:.4f} ({found['positives'][name]:,} positives)"
        for name, score in found["auc"].items()
    )
    return f"{run.side}: peak {run.peak_mb:,.0f} MB; {found['rows']:,} eval rows, {scores}"


def measure(sides: Sequence[str], impressions: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Runs the sides in turn and prints what they did.

    Raises:
        StepFailedError: A DAG failed, or did not push.
    """
    inputs = prepare(impressions, folder)
    print(f"{impressions:,} impressions, rows {inputs.rows}, {os.cpu_count()} cores", flush=True)
    runs: list[Run] = []
    cached = None
    for repeat in range(repeats):
        for side in sides:
            output = folder / f"{side}-{repeat}"
            runs.append(run_dag(side, inputs, output))
            print(f"{describe(runs[-1])}; DAG {runs[-1].seconds['DAG']:.1f} s", flush=True)
            if side == "ours" and repeat == repeats - 1:
                cached = run_cached(inputs, output)
    print("\n".join(table(runs)))
    if cached is not None:
        states = list(cached["states"].values())
        reused = f"{states.count('cached')} of {len(states)} nodes from the cache"
        print(f"ours again in the same folder: process {cached['process']:.1f} s, {reused}")
    return {"runs": [dataclasses.asdict(run) for run in runs], "cached": cached}


def main() -> None:
    """Reads the options, measures, and writes the JSON that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--impressions", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1, help="DAGs of each side, in turn")
    parser.add_argument("--only", choices=SIDES, help="run one side alone")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    options = parser.parse_args()
    sides = SIDES if options.only is None else (options.only,)
    with tempfile.TemporaryDirectory(prefix="rankbeam-dag-") as folder:
        try:
            found = measure(sides, options.impressions, options.repeats, Path(folder))
        except StepFailedError as error:
            raise SystemExit(str(error)) from None
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
