"""A version manager on a folder, seen by its states."""

import shutil
from pathlib import Path

from rankbeam.serving.manager import VersionManager


def states(manager: VersionManager) -> dict[int, str]:
    """Version -> state, of all that are known."""
    return {row.version: row.state.name for row in manager.statuses()}


def serving(manager: VersionManager) -> set[int]:
    """The versions that are AVAILABLE."""
    return {version for version, state in states(manager).items() if state == "AVAILABLE"}


def add(base_path: Path, *versions: int) -> None:
    """Copies version 1 to others."""
    for version in versions:
        shutil.copytree(base_path / "1", base_path / str(version))
