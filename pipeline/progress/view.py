"""The progress view: a line per node as it ends, a spinner for the one that runs."""

from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from rankbeam.pipeline.runners.observer import NodeResult
from rankbeam.pipeline.runs.record import NodeRecord

_MARKS = {"done": "[green]✓[/]", "cached": "[cyan]=[/]", "failed": "[red]✗[/]"}
_NAME_WIDTH = 17


class ProgressView:
    """Shows nodes on a terminal, or as plain lines where there is none.

    Args:
        stream: Where to write.
        meaning: Puts a node's result into one line.
        on_node: Is given the record of each node that ended.
    """

    def __init__(
        self,
        stream: TextIO,
        meaning: Callable[[NodeResult], str],
        on_node: Callable[[NodeRecord], None],
    ) -> None:
        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        self._meaning = meaning
        self._on_node = on_node
        self._spinner = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: TaskID | None = None

    def say(self, text: str) -> None:
        """Print a line as it is."""
        self.console.print(escape(text))

    def started(self, node: str) -> None:
        """Start the spinner of `node`."""
        self._task = self._spinner.add_task(node)
        self._spinner.start()

    def ended(self, result: NodeResult) -> None:
        """Print the node's line."""
        self.close()
        meaning = self._meaning(result) if result.state != "failed" else ""
        record = NodeRecord(result.node, result.state, round(result.seconds, 3), meaning)
        note = "cached, " if result.state == "cached" else ""
        self.console.print(
            f"  {_MARKS[result.state]} {escape(result.node):<{_NAME_WIDTH}}"
            f"{result.seconds:>7.1f} s  {escape(note + meaning)}".rstrip()
        )
        self._on_node(record)

    def close(self) -> None:
        """Stop the spinner, if one runs."""
        self._spinner.stop()
        if self._task is not None:
            self._spinner.remove_task(self._task)
            self._task = None
