"""What must hold wherever a run was stopped by an error."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e import outputs
from tests.e2e.command import Finished
from tests.e2e.tiny import NODES


def assert_stopped(finished: Finished, output: Path, node: str, code: int, message: str) -> None:
    """Check the last run: one message, its exit code, a true record, and nothing half-written.

    Args:
        finished: The command.
        output: Its output folder, to which nothing has ever been pushed.
        node: The node that failed.
        code: The exit code.
        message: Regular expression of the whole message.
    """
    record = outputs.records(output)[-1]
    assert finished.code == code
    assert finished.err == (
        f"error: {record['error']}\nfull log: {output}/runs/{record['run_id']}/log.txt\n"
    )
    assert re.fullmatch(message, record["error"]), record["error"]
    assert "Traceback" not in finished.out
    assert (record["state"], record["version"]) == ("failed", None)
    _assert_nodes(record, node)
    assert outputs.files_of(output, node) == []
    assert all(artifact.exists() for artifact in outputs.live_artifacts(output))
    assert outputs.pushed(output) == {}


def _assert_nodes(record: Mapping[str, Any], node: str) -> None:
    """Nothing after the node ran, and all before it ended well."""
    *before, last = outputs.states(record).items()
    assert last == (node, "failed")
    assert [name for name, _ in before] == list(NODES[: NODES.index(node)])
    assert {state for _, state in before} <= {"done", "cached"}
