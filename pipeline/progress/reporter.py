"""Turns what the runner tells into lines on the view and entries of the run's record."""

from collections.abc import Callable
from pathlib import Path

from rankbeam.components.evaluator.evaluation import Evaluation
from rankbeam.pipeline.progress.meaning import meaning_of, pushed_version
from rankbeam.pipeline.progress.summary import write_evaluation_page
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.pipeline.runs.record import NodeRecord


class Reporter:
    """The runner's observer.

    Args:
        view: Where lines are printed.
        on_node: Is given the record of each node that ended.
        folder: The run's folder; the evaluation's page is written there as soon as there is one.

    Attributes:
        evaluation: What the Evaluator found, None before it ends.
        version: The version that was pushed, None before the Pusher ends.
    """

    def __init__(
        self, view: ProgressView, on_node: Callable[[NodeRecord], None], folder: Path
    ) -> None:
        self._view = view
        self._on_node = on_node
        self._folder = folder
        self.evaluation: Evaluation | None = None
        self.version: int | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the model was not blessed, a sentence each."""
        return self.evaluation.failures if self.evaluation is not None else ()

    def started(self, node: str) -> None:
        """Start the node's spinner."""
        self._view.started(node)

    def ended(self, result: NodeResult) -> None:
        """Print and record the node."""
        meaning = meaning_of(result) if result.state != "failed" else ""
        node = NodeRecord(result.node, result.state, round(result.seconds, 3), meaning)
        self._view.ended(node)
        self._on_node(node)
        if result.node == "Evaluator" and result.outputs:
            self.evaluation = write_evaluation_page(result, self._folder)
            for reason in self.reasons:
                self._view.say(f"      {reason}")
        version = pushed_version(result)
        self.version = version if version is not None else self.version
