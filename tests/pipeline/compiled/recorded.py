"""Runs a hand-written pipeline and notes what its observer is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rankbeam.pipeline.compiled.cache import ResultCache
from rankbeam.pipeline.compiled.parameters import typed, with_defaults
from rankbeam.pipeline.compiled.runner import CompiledRunner
from rankbeam.pipeline.compiled.spec import load_compiled
from rankbeam.pipeline.compiled.state import RunState
from rankbeam.pipeline.runners.observer import NodeResult
from tests.pipeline.compiled.specs import write_spec


@dataclass
class Recorded:
    """What happened.

    Attributes:
        folder: Artifacts are in `artifacts/<run>`, logs beside.
        states: States of tasks in the order in which they ended, with their names.
        results: By task.
        lines: What the runner said.
        state: What the run knew at its end.
    """

    folder: Path
    states: list[tuple[str, str]] = field(default_factory=list)
    results: dict[str, NodeResult] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    state: RunState | None = None

    def started(self, node: str) -> None:
        """Is told of a task's start."""

    def ended(self, result: NodeResult) -> None:
        """Notes a task's end."""
        self.states.append((result.node, result.state))
        self.results[result.node] = result

    def text(self, task: str, output: str) -> str:
        """What a task wrote into an output that is a file."""
        return Path(self.results[task].outputs[output][0].uri).read_text()

    def log(self, task: str) -> str:
        """What a task printed."""
        return (self.folder / f"{task}.log").read_text()

    def run(
        self,
        tasks: Mapping[str, Any],
        given: Mapping[str, str] | None = None,
        run_id: str = "run",
        code: str = "code",
        **more: Any,
    ) -> "Recorded":
        """Run `tasks` with the parameters given; `more` is as for `write_spec`."""
        compiled = load_compiled(write_spec(self.folder / "pipeline.yaml", tasks, **more))
        parameters = with_defaults(compiled, typed(compiled, given or {}))
        root = self.folder / "artifacts" / run_id
        self.state = RunState("tiny", run_id, "2026-01-02T03:04:05Z", root, parameters)
        cache = ResultCache(self.folder / "cache", code)
        CompiledRunner(self, self.folder, cache, self.lines.append).run(compiled, self.state)
        return self
