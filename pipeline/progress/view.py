"""The progress view: a line per node as it ends, a spinner for the one that runs."""

from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from rankbeam.pipeline.runs.record import NodeRecord

_MARKS = {"done": "[green]✓[/]", "cached": "[cyan]=[/]", "failed": "[red]✗[/]"}
_NAME_WIDTH = 17
# Columns of a table in a file or pipe, where nobody would see one cut off.
_PLAIN_WIDTH = 160


class ProgressView:
    """Shows nodes on a terminal, or as plain lines where there is none.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = _PLAIN_WIDTH
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

    def ended(self, node: NodeRecord) -> None:
        """Print the node's line."""
        self.close()
        words = ["cached", node.meaning] if node.state == "cached" else [node.meaning]
        text = ", ".join(word for word in words if word)
        self.console.print(
            f"  {_MARKS[node.state]} {escape(node.node):<{_NAME_WIDTH}}"
            f"{node.seconds:>7.1f} s  {escape(text)}".rstrip()
        )

    def close(self) -> None:
        """Stop the spinner, if one runs."""
        self._spinner.stop()
        if self._task is not None:
            self._spinner.remove_task(self._task)
            self._task = None
