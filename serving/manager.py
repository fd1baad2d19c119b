"""The versions of one model: which are on disk, which one serves, and why the others do not.

The policy is TensorFlow Serving's default: the highest version number serves. It stays available
throughout: a new version is loaded and warmed up beside the old one, then takes its place in one
assignment; a version that fails is reported and the old one keeps serving.
"""

import gc
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import grpc

from rankbeam.serving import status, versions, warmup
from rankbeam.serving.servable import Servable, load_servable

_log = logging.getLogger(__name__)


class State(Enum):
    """The life of a version, by the names and numbers of `ModelVersionStatus.State`.

    UNLOADING does not occur: a version is freed by the last request that holds it.
    """

    START = 10
    LOADING = 20
    AVAILABLE = 30
    END = 50


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """Where a version is in its life; `code` and `message` say why it ended early."""

    version: int
    state: State
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


class VersionManager:
    """Serves the highest version below a base path that loads and passes its warm-up.

    `poll` is called by one thread; `get` and `statuses` by any number of threads.
    """

    def __init__(self, name: str, base_path: Path) -> None:
        self._name = name
        self._base_path = base_path
        self._lock = threading.Lock()
        self._current: Servable | None = None
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, versions.Fingerprint] = {}

    def get(self, version: int | None = None) -> Servable:
        """The serving version, or that very version.

        Raises:
            status.Refusal: NOT_FOUND where it does not serve.
        """
        current = self._current
        if current is None or version not in (None, current.version):
            raise status.not_servable(self._name, version)
        return current

    def statuses(self, version: int | None = None) -> list[VersionStatus]:
        """All known versions, highest first, or that very version.

        Raises:
            status.Refusal: NOT_FOUND where there is none.
        """
        with self._lock:
            found = sorted(self._statuses.values(), key=lambda row: -row.version)
        if version is not None:
            found = [row for row in found if row.version == version]
        if not found:
            raise status.not_managed(self._name, version)
        return found

    def poll(self) -> None:
        """Looks at the disk once; loads and swaps where a better version is there.

        A version that failed is tried again once its files have changed. A serving version whose
        folder is gone gives way to the highest one that is left, and serves on where none is.

        Raises:
            OSError: the base path cannot be read.
        """
        on_disk = versions.list_versions(self._base_path)
        if self._current is None:
            self._await(on_disk)
        for version in sorted(on_disk, reverse=True):
            if self._current is not None and version == self._current.version:
                break
            if self._try_load(version, on_disk[version]):
                break
        self._forget(set(on_disk))

    def _await(self, candidates: Iterable[int]) -> None:
        """Shows the versions that may still be tried while nothing serves."""
        with self._lock:
            for version in candidates:
                self._statuses.setdefault(version, VersionStatus(version, State.START))

    def _try_load(self, version: int, path: Path) -> bool:
        seen = versions.fingerprint(path)
        if self._failed.get(version) == seen:
            return False
        self._set(VersionStatus(version, State.LOADING))
        try:
            servable = load_servable(self._name, version, path)
            warmed = warmup.run_warmup(servable)
        except Exception as error:  # whatever a broken model raises must not end the server
            refusal = status.as_refusal(error)
            _log.exception("version %d of model %s is not servable", version, self._name)
            self._failed[version] = seen
            self._set(VersionStatus(version, State.END, refusal.code, refusal.message))
            return False
        self._failed.pop(version, None)
        self._swap(servable)
        # TensorFlow's functions and graphs refer to each other; left to itself, Python frees a
        # replaced version so late that memory grows with every push.
        gc.collect()
        _log.info("version %d of %s is available; %d warm-up runs", version, self._name, warmed)
        return True

    def _swap(self, servable: Servable) -> None:
        with self._lock:
            previous, self._current = self._current, servable
            self._statuses[servable.version] = VersionStatus(servable.version, State.AVAILABLE)
            if previous is not None:
                # Requests under way hold the previous version; it is freed with the last of them.
                ended = replace(self._statuses[previous.version], state=State.END)
                self._statuses[previous.version] = ended

    def _set(self, row: VersionStatus) -> None:
        with self._lock:
            self._statuses[row.version] = row

    def _forget(self, on_disk: set[int]) -> None:
        serving = self._current.version if self._current is not None else None
        with self._lock:
            self._statuses = {
                version: row
                for version, row in self._statuses.items()
                if version == serving or (version in on_disk and row.state is not State.START)
            }
        self._failed = {v: seen for v, seen in self._failed.items() if v in on_disk}
