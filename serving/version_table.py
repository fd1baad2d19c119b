"""Where each version of a model is in its life, as GetModelStatus tells it."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import grpc

from rankbeam.serving.servable import Servable


class State(Enum):
    """The life of a version, by the names and numbers of `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """Where a version is in its life; `code` and `message` say why it ended early."""

    version: int
    state: State
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


Watch = Callable[[Mapping[int, str]], None]


class VersionTable:
    """The states of one model's versions; safe to use from any thread.

    Args:
        watch: told all versions' states, by name, after each change.
    """

    def __init__(self, watch: Watch = lambda states: None) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._rows: dict[int, VersionStatus] = {}
        self._unloading: dict[int, Servable] = {}
        self._freed = False

    def rows(self) -> list[VersionStatus]:
        """All versions, highest first."""
        with self._lock:
            self._settle()
            return sorted(self._rows.values(), key=lambda row: -row.version)

    def set(self, row: VersionStatus) -> None:
        """Replaces a version's state."""
        with self._lock:
            self._put(row)
            self._tell()

    def start(self, wanted: Iterable[int]) -> None:
        """Shows versions that will be tried, where nothing is known of them yet."""
        with self._lock:
            for version in wanted:
                self._rows.setdefault(version, VersionStatus(version, State.START))
            self._tell()

    def unload(self, servables: Iterable[Servable]) -> None:
        """Shows versions as UNLOADING until nobody uses them; call it before they are retired."""
        with self._lock:
            for servable in servables:
                self._put(VersionStatus(servable.version, State.UNLOADING))
                self._unloading[servable.version] = servable
            self._tell()

    def forget_all_but(self, on_disk: Collection[int]) -> None:
        """Drops what was never tried, and what neither is on disk nor in memory."""
        with self._lock:
            self._settle()
            in_memory = (State.AVAILABLE, State.UNLOADING)
            self._rows = {
                version: row
                for version, row in self._rows.items()
                if row.state in in_memory or (version in on_disk and row.state is not State.START)
            }
            self._tell()

    def end_untried(self) -> None:
        """Ends what waits for its turn, since it will not come."""
        with self._lock:
            for row in list(self._rows.values()):
                if row.state is State.START:
                    self._put(VersionStatus(row.version, State.END))
            self._tell()

    def take_freed(self) -> bool:
        """Whether a version was freed, or failed to load, since the last time this was asked."""
        with self._lock:
            freed, self._freed = self._freed, False
        return freed

    def _put(self, row: VersionStatus) -> None:
        self._freed = self._freed or row.code is not grpc.StatusCode.OK
        self._rows[row.version] = row
        self._unloading.pop(row.version, None)

    def _settle(self) -> None:
        """Ends the versions whose last user is gone; nobody reports that, so it is looked up."""
        ended = [version for version, held in self._unloading.items() if not held.in_use]
        for version in ended:
            self._put(VersionStatus(version, State.END))
        if ended:
            self._freed = True
            self._tell()

    def _tell(self) -> None:
        self._watch({version: row.state.name for version, row in self._rows.items()})
