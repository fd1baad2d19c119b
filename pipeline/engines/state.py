"""What is known of an engine that was started, on disk from before its first process starts."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rankbeam.pipeline.engines.options import EngineOptions
from rankbeam.pipeline.engines.places import EngineKind
from rankbeam.transform.errors import ConfigError

STATE_FILE = "state.json"


@dataclass(frozen=True)
class Member:
    """One process of an engine.

    Attributes:
        name: `job-server`, `job-manager` or `task-manager-1`, ...
        pid: Its id.
        log: File with its output.
    """

    name: str
    pid: int
    log: str


@dataclass(frozen=True)
class EngineState:
    """An engine that is starting or up.

    Attributes:
        kind: flink or spark.
        version: What runs, as a person names it.
        port: Port of Beam's job service.
        slots: Tasks that run at the same time, over all task managers.
        task_managers: Processes that run tasks; 0 where the job server runs them itself.
        started_at: Seconds since the epoch.
        ready: Whether it has answered.
        web_port: Port of Flink's own page and REST service; None where there is none.
        members: Its processes, in the order started.
        options: What it was started with; None where a version started it that did not note that.
    """

    kind: EngineKind
    version: str
    port: int
    slots: int
    task_managers: int
    started_at: float
    ready: bool = False
    web_port: int | None = None
    members: tuple[Member, ...] = field(default=())
    options: EngineOptions | None = None

    @property
    def endpoint(self) -> str:
        """`host:port` of Beam's job service."""
        return f"localhost:{self.port}"

    def with_member(self, member: Member) -> "EngineState":
        """A copy with one more process."""
        return replace(self, members=(*self.members, member))


def write_state(folder: Path, state: EngineState) -> None:
    """Write `state`, whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{STATE_FILE}.tmp"
    partial.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    os.replace(partial, folder / STATE_FILE)


def read_state(folder: Path) -> EngineState | None:
    """The state in `folder`; None where no engine was started or the file is no state."""
    try:
        values: dict[str, Any] = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        members = tuple(Member(**member) for member in values.pop("members"))
        return EngineState(members=members, options=_options(values.pop("options", None)), **values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError):
        return None


def _options(values: dict[str, Any] | None) -> EngineOptions | None:
    if values is None:
        return None
    settings = tuple((key, value) for key, value in values.pop("settings"))
    return EngineOptions(settings=settings, **values)


def forget_state(folder: Path) -> None:
    """Remove the state; settings and logs stay for who wants to know why."""
    (folder / STATE_FILE).unlink(missing_ok=True)
