"""Who is told what becomes of a model's versions."""

from collections.abc import Mapping
from typing import Protocol


class VersionWatcher(Protocol):
    """Told what becomes of versions; `rankbeam.serving.engine.metrics.Metrics` is one."""

    def count_load(self, *, model: str, outcome: str) -> None:
        """An attempt to load ended, with `ok` or a status code's name."""

    def set_version_states(self, model: str, states: Mapping[int, str]) -> None:
        """The states of all of a model's versions, by name."""


class Nobody:
    """A watcher that looks away."""

    def count_load(self, *, model: str, outcome: str) -> None:
        """Nothing comes of it."""

    def set_version_states(self, model: str, states: Mapping[int, str]) -> None:
        """Nothing comes of it."""
