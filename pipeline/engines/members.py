"""A process of an engine that is yet to be started."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """A process to start.

    Attributes:
        name: What it is called in states and errors.
        command: Program and arguments.
    """

    name: str
    command: Sequence[str]
