"""A process of an engine that is yet to be started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Planned:
    """A process to start.

    Attributes:
        name: What it is called in states and errors.
        command: Program and arguments.
        environment: Variables beside this process's own.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def temporary(folder: Path) -> Path:
    """The folder for what an engine's processes write for themselves; it goes with the engine.

    In the system's own, Flink keeps a killed task manager's jars for one of the same name, which
    reads them all before it starts.
    """
    return folder / "tmp"
