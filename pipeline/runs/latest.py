"""What the last successful run pushed."""

from pathlib import Path

from rankbeam.pipeline.runs.record import RunRecord, records_below
from rankbeam.transform.errors import ConfigError


def latest_pushed(root: Path) -> RunRecord:
    """The newest record below `root` that pushed a version.

    Raises:
        ConfigError: No run has.
    """
    pushed = [record for _, record in records_below(root) if record.version is not None]
    if not pushed:
        raise ConfigError(f"a folder must be given where no run has pushed; found none in {root}")
    return pushed[-1]
