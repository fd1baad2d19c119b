"""New versions of a model, pushed as the Pusher does, while old ones vanish."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from rankbeam.components.pusher.publish import publish
from rankbeam.serving.content import PushRecord
from rankbeam.serving.versions import list_versions
from tests.serving.waiting import NAME

BIASES = (0.0, 0.5, 1.0, 1.5)


def bias_of(version: int) -> float:
    """Which of the models a version holds: neighbours differ, so that a mix-up shows."""
    return BIASES[version % len(BIASES)]


def push(base_path: Path, models: Mapping[float, Path]) -> int:
    """Pushes the next version; returns its number."""
    version = max(list_versions(base_path), default=0) + 1
    model = models[bias_of(version)]
    record = PushRecord(NAME, 0, "", "2026-01-01T00:00:00Z", "BLESSED", "BLESSED")

    def fill(folder: Path) -> None:
        shutil.copytree(model, folder)

    return publish(base_path, fill, record, version).record.version


def remove_old(base_path: Path) -> None:
    """Removes all versions but the newest, whether it is served yet or not."""
    for _, folder in sorted(list_versions(base_path).items())[:-1]:
        shutil.rmtree(folder)
