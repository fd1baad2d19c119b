"""The DAG up to the Trainer, one epoch, with each node's seconds and peak memory.

Run by `benchmarks/scale.py`: `python -m benchmarks.scale_run DATA OUTPUT RESULT [BEAM_OPTION...]`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.memory import tree_mb
from rankbeam.pipeline.config.load import load_config
from rankbeam.pipeline.dag import BEAM_ARGS, build_nodes, build_pipeline
from rankbeam.pipeline.embedded import embedded_config
from rankbeam.pipeline.quiet import quiet_libraries
from rankbeam.pipeline.runners.local import LocalRunner

_SAMPLE_S = 0.1


class _Meter:
    """An observer of the local runner that samples memory while a node runs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}
        self._node = ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def started(self, node: str) -> None:
        """A node starts."""
        self.peak_mb[node] = tree_mb(os.getpid())
        self._node = node

    def ended(self, result: Any) -> None:
        """A node has ended."""
        self.seconds[result.node] = result.seconds
        sys.stderr.write(f"  {result.node:<18}{result.seconds:8.1f} s\n")

    def close(self) -> None:
        """Samples no longer."""
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            if self._node:
                found = tree_mb(os.getpid())
                self.peak_mb[self._node] = max(self.peak_mb[self._node], found)


def run_dag(data: Path, output: Path, beam_args: Sequence[str]) -> dict[str, dict[str, float]]:
    """Seconds and peak memory by node of the default pipeline up to the Trainer."""
    config = load_config(embedded_config()).config
    training = config.training.model_copy(update={"epochs": 1})
    config = config.model_copy(update={"training": training})
    nodes = build_nodes(config, data, str(output / "pushed"))
    wanted = nodes[: [node.id for node in nodes].index("Trainer") + 1]
    places = str(output / "artifacts"), str(output / "metadata.sqlite")
    meter = _Meter()
    pipeline = build_pipeline(config, wanted, *places, beam_args=(*BEAM_ARGS, *beam_args))
    LocalRunner(meter).run(pipeline)
    meter.close()
    return {"seconds": meter.seconds, "peak_mb": meter.peak_mb}


def main() -> None:
    """Runs the DAG and writes what it took."""
    data, output, result = map(Path, sys.argv[1:4])
    quiet_libraries()
    found = run_dag(data, output, sys.argv[4:])
    result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
