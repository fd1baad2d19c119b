"""What a run left in its output folder, read without Rankbeam's own code."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

# ml_metadata/proto/metadata_store.proto: Execution.State and Artifact.State
_EXECUTION_STATES = {1: "new", 2: "running", 3: "complete", 4: "failed", 5: "cached"}
_LIVE = 2
_PUSH_RECORD = "assets.extra/rankbeam_push.json"


def records(output: Path) -> list[dict[str, Any]]:
    """The runs' records, oldest first."""
    return [json.loads(path.read_text()) for path in sorted(output.glob("runs/*/run.json"))]


def states(record: Mapping[str, Any]) -> dict[str, str]:
    """Each node that ended in a run, in order, and how."""
    return {node["node"]: node["state"] for node in record["nodes"]}


def meaning(record: Mapping[str, Any], node: str) -> str:
    """The line of a node in a run."""
    [text] = [each["meaning"] for each in record["nodes"] if each["node"] == node]
    return str(text)


def pushed(output: Path, destination: str = "pushed") -> dict[str, str]:
    """Everything at the destination, hidden or not: its name and a digest of its content."""
    folder = output / destination
    return {path.name: _digest(path) for path in folder.iterdir()} if folder.exists() else {}


def files_of(output: Path, node: str) -> list[Path]:
    """Files that a node's artifacts and working folders hold."""
    return [path for path in (output / "artifacts" / node).rglob("*") if path.is_file()]


def begun(output: Path, node: str) -> set[int]:
    """Numbers of the executions whose executor was started and whose folders are still there."""
    folder = output / "artifacts" / node / ".system" / "executor_execution"
    return {int(path.name) for path in folder.iterdir()} if folder.exists() else set()


def executions(output: Path) -> list[tuple[str, str]]:
    """ML Metadata's executions in order: component class, and state."""
    rows = _query(
        output,
        "SELECT Type.name, Execution.last_known_state FROM Execution "
        "JOIN Type ON Type.id = Execution.type_id ORDER BY Execution.id",
    )
    return [(str(name).rsplit(".", 1)[-1], _EXECUTION_STATES[state]) for name, state in rows]


def leftovers(output: Path) -> list[Path]:
    """Folders of executions that are no success, anywhere below the artifacts."""
    good = {
        str(number)
        for (number,) in _query(
            output, "SELECT id FROM Execution WHERE last_known_state IN (?, ?)", 3, 5
        )
    }
    root = output / "artifacts"
    folders = [*root.glob("*/*/*"), *root.glob("*/.system/executor_execution/*")]
    return [path for path in folders if path.name.isdigit() and path.name not in good]


def live_artifacts(output: Path) -> list[Path]:
    """Folders of the artifacts that ML Metadata holds for good."""
    rows = _query(output, "SELECT uri FROM Artifact WHERE state = ? ORDER BY id", _LIVE)
    return [Path(uri) for (uri,) in rows]


def _query(output: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(output / "metadata.sqlite")) as database:
        return database.execute(statement, values).fetchall()


def _digest(path: Path) -> str:
    files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    lines = [
        f"{each.relative_to(path)} {hashlib.sha256(each.read_bytes()).hexdigest()}"
        for each in files
        if each.relative_to(path).as_posix() != _PUSH_RECORD
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
