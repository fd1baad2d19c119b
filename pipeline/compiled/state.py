"""What a run knows: its own values, and what each task has made so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Made:
    """What a task left.

    Attributes:
        artifacts: `ArtifactList` messages by output name.
        parameters: Values by output name.
    """

    artifacts: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass
class RunState:
    """A run of a compiled pipeline.

    Attributes:
        name: The pipeline's name.
        run_id: The run's.
        created: When it began: ISO 8601, UTC.
        root: Folder of the run's artifacts: `<task>/<output>`.
        parameters: The run's own parameters, with defaults.
        made: By task, for those that have ended well.
    """

    name: str
    run_id: str
    created: str
    root: Path
    parameters: Mapping[str, object]
    made: dict[str, Made] = field(default_factory=dict)
    _numbers: int = 0

    def number(self) -> str:
        """A new artifact's id, as a metadata store would give it."""
        self._numbers += 1
        return str(self._numbers)
