"""The progress view without a terminal."""

import io

from rankbeam.pipeline.progress.view import ProgressView
from rankbeam.pipeline.runs.record import NodeRecord


def _lines(*nodes: NodeRecord) -> list[str]:
    stream = io.StringIO()
    view = ProgressView(stream)
    for node in nodes:
        view.started(node.node)
        view.ended(node)
    return stream.getvalue().splitlines()


def test_view_prints_one_plain_line_per_node() -> None:
    assert _lines(
        NodeRecord("ExampleGen", "done", 0.64, "100 rows [80 train]"),
        NodeRecord("Transform", "cached", 0.01, ""),
        NodeRecord("Trainer", "cached", 0.01, "7 weights"),
        NodeRecord("Pusher", "failed", 12.0, ""),
    ) == [
        "  ✓ ExampleGen           0.6 s  100 rows [80 train]",
        "  = Transform            0.0 s  cached",
        "  = Trainer              0.0 s  cached, 7 weights",
        "  ✗ Pusher              12.0 s",
    ]
