"""The record of a run: what `rankbeam runs` lists and what `rankbeam serve` starts from."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

RunState = Literal["running", "succeeded", "failed", "interrupted"]
RECORD_FILE = "run.json"
LOG_FILE = "log.txt"


@dataclass(frozen=True)
class NodeRecord:
    """One node of a run, as shown.

    Attributes:
        node: Its id.
        state: done, cached or failed.
        seconds: Wall time.
        meaning: One line on what it found or made.
    """

    node: str
    state: str
    seconds: float
    meaning: str


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        run_id: Sortable id, also the folder's name.
        pipeline: The config's name.
        model_name: Name that clients ask for.
        config_file: The config that was run.
        started_at: ISO 8601, UTC.
        state: How it stands or ended. A record left `running` by a process that is gone was
            killed; `rankbeam runs` says so.
        process: Id of the process that runs it.
        seconds: Wall time so far.
        nodes: The nodes that ended.
        destination: Folder that models are pushed to.
        version: The version pushed, None where none was.
        error: Why it failed.
    """

    run_id: str
    pipeline: str
    model_name: str
    config_file: str
    started_at: str
    state: RunState = "running"
    process: int = field(default_factory=os.getpid)
    seconds: float = 0.0
    nodes: tuple[NodeRecord, ...] = ()
    destination: str = ""
    version: int | None = None
    error: str | None = None

    def with_node(self, node: NodeRecord) -> "RunRecord":
        """A copy with one more node."""
        return replace(self, nodes=(*self.nodes, node))


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `record` into its run's folder, whole or not at all.

    Raises:
        OSError: It cannot be written; the record before it stands.
    """
    target = folder / RECORD_FILE
    partial = folder / f".{RECORD_FILE}.tmp"
    try:
        partial.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_record(folder: Path) -> RunRecord:
    """Read the record in a run's folder.

    Raises:
        OSError: There is none.
        ValueError: It is no record.
    """
    values: dict[str, Any] = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    try:
        nodes = tuple(NodeRecord(**node) for node in values.pop("nodes"))
        return RunRecord(nodes=nodes, **values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD_FILE} must be a run's record; got {error}") from None


def records_below(root: Path) -> Iterator[tuple[Path, RunRecord]]:
    """Every readable record in `<root>/runs/*` and `<root>/*/runs/*`, oldest first."""
    folders = [path.parent for path in root.glob(f"runs/*/{RECORD_FILE}")]
    folders += [path.parent for path in root.glob(f"*/runs/*/{RECORD_FILE}")]
    for folder in sorted(folders, key=lambda path: path.name):
        try:
            yield folder, read_record(folder)
        except (OSError, ValueError):
            continue


def effective_state(record: RunRecord) -> str:
    """The record's state, or `killed` where its process is gone without a word."""
    if record.state != "running":
        return record.state
    try:
        os.kill(record.process, 0)
    except ProcessLookupError:
        return "killed"
    except PermissionError:
        return "running"
    return "running"
