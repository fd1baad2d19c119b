"""What do swaps of versions cost those who ask? p50, p95 and p99 with and without, in one run.

Windows of load take turns: in every second one, a new version is pushed every two seconds and the
old one vanishes. The load is a process of its own. Run: `python benchmarks/serving_swaps.py`.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# A script finds its own folder first, where `transform.py` and others have common names.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.serving_load.children import Child, module, own_environment  # noqa: E402
from benchmarks.serving_load.run import make_model, newest  # noqa: E402
from benchmarks.serving_load.sides import Load, start_embedded  # noqa: E402

_SIZE = 100
_PUSH_EVERY_S = 2.0
_EXAMPLES = "artifacts/ExampleGen/examples/*/Split-eval/*"
_FIGURES = ("qps", "p50", "p95", "p99")
_TARGET = 2.0


class Pusher:
    """Pushes copies of one version, each under the next number, and removes the one before."""

    def __init__(self, version: Path, base_path: Path) -> None:
        self._version, self._base_path = version, base_path
        self.pushed = 0
        self.push()

    def push(self) -> None:
        """A hidden copy, a rename, and the end of the version before."""
        hidden = self._base_path / ".next"
        shutil.copytree(self._version, hidden)
        self.pushed += 1
        hidden.rename(self._base_path / str(self.pushed))
        shutil.rmtree(self._base_path / str(self.pushed - 1), ignore_errors=True)

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Pushes every two seconds, in a thread, until the block ends."""
        ending = threading.Event()

        def run() -> None:
            while not ending.wait(_PUSH_EVERY_S):
                self.push()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()


def measure(options: argparse.Namespace, folder: Path) -> bool:
    """Prints a table; returns whether all requests were answered and the promise is kept."""
    base_path = (options.model or make_model(folder / "run")).resolve()
    examples = options.examples or str(base_path.parent / _EXAMPLES)
    served, requests = folder / "served", folder / "requests"
    served.mkdir()
    requests.mkdir()
    pusher = Pusher(newest(base_path), served)
    cores = sorted(os.sched_getaffinity(0))
    windows: dict[str, list[dict[str, float]]] = {"still": [], "swaps": []}
    with ExitStack() as stack:
        bare = Child(
            "bare",
            module("bare", str(newest(base_path)), str(requests)),
            folder,
            cores=cores,
            environment=own_environment(),
        )
        with bare:  # it only makes the requests
            bare.ask({"do": "prepare", "pattern": examples, "counts": {_SIZE: 20, 1: 20}})
        load = Load(folder, requests, cores)
        stack.enter_context(load.child)
        server = start_embedded(stack, served, folder / "server", cores, batching=False)
        load.wait(server.grpc, server.child)
        load.run(server.grpc, _SIZE, options.concurrency, 2.0, 0.0)
        for _ in range(options.rounds):
            asked = (server.grpc, _SIZE, options.concurrency, options.seconds, 0.2)
            windows["still"].append(load.run(*asked))
            with pusher.pushing():
                windows["swaps"].append(load.run(*asked))
            time.sleep(_PUSH_EVERY_S)  # the last swap belongs to no quiet window
    return report(windows, pusher.pushed - 1)


def report(windows: dict[str, list[dict[str, float]]], swaps: int) -> bool:
    """Prints medians over the windows; returns whether nothing failed or was missed."""
    found = {
        name: {figure: statistics.median(row[figure] for row in rows) for figure in _FIGURES}
        for name, rows in windows.items()
    }
    print("|  | requests/s | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|")
    for name, row in found.items():
        print(f"| {name} | {row['qps']:.0f} | {row['p50']:.2f} | {row['p95']:.2f} ", end="")
        print(f"| {row['p99']:.2f} |")
    ratio = found["swaps"]["p99"] / found["still"]["p99"]
    verdict = "met" if ratio <= _TARGET else "MISSED"
    failed = int(sum(row["errors"] for rows in windows.values() for row in rows))
    requests = int(sum(row["requests"] for rows in windows.values() for row in rows))
    print(f"{verdict} p99 during swaps over that without: {ratio:.2f} (at most {_TARGET:g})")
    print(f"{swaps} swaps; {requests:,} requests, {failed} failed")
    return failed == 0 and ratio <= _TARGET


def main() -> int:
    """Measures; returns 1 where a request failed or the promise was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, help="a pushed folder of versions; by default one is made")
    add("--examples", help="glob of TFRecord files of tf.Example; by default the run's eval split")
    add("--seconds", type=float, default=10.0, help="length of one window")
    add("--rounds", type=int, default=4, help="windows of each kind, in turn")
    add("--concurrency", type=int, default=1, help="requests under way at the same time")
    with tempfile.TemporaryDirectory(prefix="rankbeam-swaps-") as folder:
        return 0 if measure(parser.parse_args(), Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
