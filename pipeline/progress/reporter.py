"""Turns what the runner tells into lines on the view and entries of the run's record."""

from collections.abc import Callable

from rankbeam.pipeline.progress.meaning import meaning_of, pushed_version, reasons_against
from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.pipeline.runs.record import NodeRecord


class Reporter:
    """The runner's observer.

    Args:
        view: Where lines are printed.
        on_node: Is given the record of each node that ended.

    Attributes:
        results: How each node ended, by its id.
        reasons: Why the model was not blessed, a sentence each.
        version: The version that was pushed, None before the Pusher ends.
    """

    def __init__(self, view: ProgressView, on_node: Callable[[NodeRecord], None]) -> None:
        self._view = view
        self._on_node = on_node
        self.results: dict[str, NodeResult] = {}
        self.reasons: tuple[str, ...] = ()
        self.version: int | None = None

    def started(self, node: str) -> None:
        """Start the node's spinner."""
        self._view.started(node)

    def ended(self, result: NodeResult) -> None:
        """Print and record the node."""
        self.results[result.node] = result
        meaning = meaning_of(result) if result.state != "failed" else ""
        node = NodeRecord(result.node, result.state, round(result.seconds, 3), meaning)
        self._view.ended(node)
        self._on_node(node)
        for reason in reasons_against(result):
            self._view.say(f"      {reason}")
            self.reasons = (*self.reasons, reason)
        version = pushed_version(result)
        self.version = version if version is not None else self.version
