"""The whole run of `benchmarks/serving.py`: starts every side, asks, judges, writes."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.serving_load import phases, report
from benchmarks.serving_load.bench import Bench, Placement
from benchmarks.serving_load.children import (
    ROOT,
    Child,
    ChildFailedError,
    module,
    own_environment,
)
from benchmarks.serving_load.publish import publish
from benchmarks.serving_load.sides import Load, start_embedded, start_peer
from benchmarks.serving_peers.environments import EnvironmentFailedError, environment
from benchmarks.serving_peers.peers import PEERS

_EXAMPLES = "artifacts/ExampleGen/examples/*/Split-eval/*"
# Distinct requests by candidates: enough that no cache of one request helps, few enough to keep.
_COUNTS = {1: 256, 10: 64, 100: 20, 500: 4}
_QUICK = {"seconds": 0.3, "rounds": 1}


def make_model(folder: Path) -> Path:
    """Runs the embedded default pipeline; returns the base path it pushed to.

    Raises:
        ChildFailedError: The run failed.
    """
    command = [str(Path(sys.executable).with_name("rankbeam")), "run", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ChildFailedError(f"rankbeam run: exit code {done.returncode}\n{done.stderr[-4000:]}")
    return folder / "pushed"


def newest(base_path: Path) -> Path:
    """The newest version's folder.

    Raises:
        ChildFailedError: There is none.
    """
    found = [path for path in base_path.glob("*/") if path.name.isdecimal()]
    if not found:
        raise ChildFailedError(f"{base_path} must hold a version folder; got none")
    return max(found, key=lambda path: int(path.name))


def cores() -> tuple[list[int], list[int], list[int]]:
    """All cores, the half for servers, and the half for the load."""
    every = sorted(os.sched_getaffinity(0))
    half = max(1, len(every) // 2)
    return every, every[:half], every[half:] or every


def place(stack: ExitStack, name: str, base_path: Path, folder: Path, requests: Path) -> Placement:
    """Starts everything of one placement; servers may not be ready yet."""
    folder.mkdir()
    every, server, load = cores()
    if name == "shared":
        server = load = every
    command = module("bare", str(newest(base_path)), str(requests))
    bare = Child("bare", command, folder, cores=server, environment=own_environment())
    stack.enter_context(bare)
    generator = Load(folder, requests, load)
    stack.enter_context(generator.child)
    plain, batched = (
        start_embedded(stack, base_path, folder / str(batching), server, batching=batching)
        for batching in (False, True)
    )
    return Placement(name, tuple(server), tuple(load), bare, generator, plain, batched)


def ready(placement: Placement, examples: str) -> dict[str, Any]:
    """Writes the requests and waits for the servers."""
    prepared = placement.bare.ask({"do": "prepare", "pattern": examples, "counts": _COUNTS})
    for server in (placement.plain, placement.batched):
        for endpoint in (server.grpc, server.rest):
            placement.generator.wait(endpoint, server.child)
    return prepared


def own_phases(bench: Bench, places: Sequence[Placement], quick: bool) -> dict[str, Any]:
    """Everything that needs no peer; each table is printed as soon as it is known."""
    found: dict[str, Any] = {"latency": {}, "saturation": {}, "batching": {}}
    for placement in places:
        said = f"servers on cores {list(placement.server)}, load on {list(placement.load)}"
        show(f"{placement.name}: {said}", [])
        rows = found["latency"][placement.name] = phases.latency(bench, placement)
        show("", report.latency(rows))
        sizes = phases.SATURATION_SIZES
        full = {str(size): phases.saturation(bench, placement, size) for size in sizes}
        found["saturation"][placement.name] = full
        show("", report.saturation(full))
        small = found["batching"][placement.name] = phases.batching(bench, placement)
        show("", report.batching(small))
    levels = phases.CONCURRENCIES[::2] if quick else phases.CONCURRENCIES
    found["curve"] = phases.curve(bench, places[0], levels)
    show("curve (rankbeam gRPC, everything on all cores)", report.curve(found["curve"]))
    return found


def peer_phase(
    bench: Bench,
    placement: Placement,
    names: Sequence[str],
    version: Path,
    folder: Path,
    cache: Path,
) -> list[dict[str, Any]]:
    """Starts the peers beside our server and measures all in turn."""
    with ExitStack() as stack:
        started = {
            name: start_peer(stack, name, version, folder / name, cache, placement.server)
            for name in names
        }
        for child, endpoint in started.values():
            placement.generator.wait(endpoint, child)
        endpoints = [placement.plain.grpc, placement.plain.rest]
        endpoints += [endpoint for _, endpoint in started.values()]
        rows = phases.peers(bench, placement.generator, endpoints)
    show("peers (everything on all cores)", report.peers(rows))
    for name in names:
        print(f"{name}: {PEERS[name].how}")
    return rows


def show(title: str, lines: Sequence[str]) -> None:
    """Prints a table, at once."""
    print("\n".join([*([f"\n{title}"] if title else [""]), *lines]), flush=True)


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], Bench]:
    """Starts every side, measures, and returns all figures.

    Raises:
        ChildFailedError: A process ended that should not have.
        EnvironmentFailedError: A peer's environment cannot be made.
    """
    for name in options.peers:
        environment(name, options.cache)  # before anything is measured: installing takes the cores
    base_path = (options.model or make_model(folder / "run")).resolve()
    examples = options.examples or str(base_path.parent / _EXAMPLES)
    requests = folder / "requests"
    requests.mkdir()
    with ExitStack() as stack:
        places = [
            place(stack, name, base_path, folder / name, requests) for name in ("shared", "apart")
        ]
        prepared = {placement.name: ready(placement, examples) for placement in places}
        bench = Bench(options.seconds, options.rounds, places[0].bare)
        print(f"{os.cpu_count()} cores; {options.rounds} rounds of {options.seconds:g} s", end="; ")
        print(f"examples of {prepared['shared']['bytes']:.0f} bytes; {base_path}", flush=True)
        found = own_phases(bench, places, options.quick)
        found["peers"] = []
        if options.peers:
            version = newest(base_path)
            where = folder / "p"
            where.mkdir()
            found["peers"] = peer_phase(
                bench, places[0], options.peers, version, where, options.cache
            )
    return found, bench


def parse(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--model", type=Path, help="a pushed folder of versions; by default one is made")
    add("--examples", help="glob of TFRecord files of tf.Example; by default the run's eval split")
    add("--seconds", type=float, default=0.8, help="length of one measurement")
    add("--rounds", type=int, default=3, help="repeats of each measurement, in turn")
    add("--quick", action="store_true", help="one short round: shows that all works, no figures")
    add("--peers", default=",".join(PEERS), help="some of the peers, or none")
    cache = Path.home() / ".cache" / "rankbeam-benchmarks"
    add("--cache", type=Path, default=cache, help="folder for the peers' environments")
    add("--json", type=Path, help="write every figure to this file")
    add("--publish", action="store_true", help="write the figures into README.md and the chart")
    options = parser.parse_args(arguments)
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    unknown = sorted(set(options.peers) - set(PEERS))
    if unknown:
        parser.error(f"--peers must name some of {', '.join(PEERS)}; got {', '.join(unknown)}")
    if options.quick:
        vars(options).update(_QUICK)
    return options


def main(description: str) -> int:
    """Measures, judges, writes.

    Returns:
        1 where a request failed, an answer was wrong, or a promise was missed; a quick run's
        figures are none, and miss nothing.
    """
    options = parse(description)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rb-") as folder:  # short: Ray makes sockets below it
        try:
            found, bench = measure(options, Path(folder))
        except (ChildFailedError, EnvironmentFailedError) as error:
            raise SystemExit(str(error)) from None
    show("targets", [target.line() for target in report.targets(found)])
    print(f"{bench.checked:,} answers checked; {time.monotonic() - start:.0f} s")
    for failure in bench.failures:
        print(f"FAILED {failure}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.publish and not bench.failures:
        publish(found, ROOT / "benchmarks")
    missed = 0 if options.quick else report.missed(found)
    return 1 if bench.failures or missed else 0
