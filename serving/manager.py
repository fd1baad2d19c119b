"""The versions of one model: which are on disk, which serve, and why the others do not.

A model stays available throughout: a new version is loaded and warmed up beside the old one, then
takes its place in one assignment; a version that fails is reported and the old one serves on. The
last version that serves is never unloaded, not even where its files or the policy's versions are
gone; TensorFlow Serving would unload it.
"""

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rankbeam.serving import status, versions, warmup
from rankbeam.serving.apart import apart
from rankbeam.serving.policy import LATEST, VersionPolicy, surplus
from rankbeam.serving.priority import short_turns
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.version_table import State, VersionStatus, VersionTable, Watch

__all__ = ["State", "VersionManager", "VersionStatus"]

_log = logging.getLogger(__name__)

Load = Callable[[str, int, Path], Servable]
_DEFAULT_LOADING = LoadSettings()


@dataclass(frozen=True, slots=True)
class _Serving:
    """What requests see; replaced as a whole, so that they need no lock."""

    by_version: Mapping[int, Servable] = field(default_factory=dict)
    highest: Servable | None = None


@dataclass(frozen=True, slots=True)
class _Failure:
    """A version that failed, with what its files were then."""

    files: versions.Fingerprint
    attempts: int
    at_s: float


class VersionManager:
    """Serves the versions below a base path that its policy wants.

    `poll`, `configure` and `close` are called by any thread, one poll at a time; the others by any
    number of threads.

    Args:
        name: the model's name.
        base_path: the folder with one integer-named folder per version.
        policy: which of them to serve.
        loading: warm-up, and what happens after a failure.
        load: loads one version; raises where it cannot.
        on_load: told `ok` or a status code's name after each attempt to load.
        watch: told all versions' states, by name, after each change.
    """

    def __init__(
        self,
        name: str,
        base_path: Path,
        policy: VersionPolicy = LATEST,
        *,
        loading: LoadSettings = _DEFAULT_LOADING,
        load: Load = load_servable,
        on_load: Callable[[str], None] = lambda outcome: None,
        watch: Watch = lambda states: None,
    ) -> None:
        self._name = name
        self._base_path = base_path
        self._policy = policy
        self._loading = loading
        self._load = load
        self._on_load = on_load
        self._polling = threading.Lock()
        self._swapping = threading.Lock()
        self._closed = False
        self._serving = _Serving()
        self._table = VersionTable(watch)
        self._failures: dict[int, _Failure] = {}
        self._found: Mapping[int, Path] | None = None

    def get(self, version: int | None = None) -> Servable:
        """The highest version that serves, or that very version.

        Raises:
            status.Refusal: NOT_FOUND where it does not serve.
        """
        serving = self._serving
        found = serving.highest if version is None else serving.by_version.get(version)
        if found is None:
            raise status.not_servable(self._name, version)
        return found

    def acquire(self, version: int | None = None) -> Servable:
        """The same, held for the caller, who must `release` it.

        Raises:
            status.Refusal: NOT_FOUND where it does not serve.
        """
        while True:
            found = self.get(version)
            # A version that was retired since is no longer among those that serve: look again.
            if found.acquire():
                return found

    def statuses(self, version: int | None = None) -> list[VersionStatus]:
        """All known versions, highest first, or that very version.

        Raises:
            status.Refusal: NOT_FOUND where there is none.
        """
        found = self._table.rows()
        if version is not None:
            found = [row for row in found if row.version == version]
        if not found:
            raise status.not_managed(self._name, version)
        return found

    def configure(self, base_path: Path, policy: VersionPolicy) -> None:
        """Changes where versions are looked for and which serve; the next poll acts on it.

        Versions that serve already are not loaded again from the new base path.
        """
        with self._polling:
            if base_path != self._base_path:
                self._failures.clear()
            self._base_path, self._policy = base_path, policy
            self._found = None

    def poll(self) -> None:
        """Looks at the disk; loads what the policy wants, then unloads what it does not.

        Where none of the versions that `Latest` wants can be loaded, older ones are tried, down to
        the one that serves. A version that failed is tried again once its files have changed, and
        otherwise as often as the settings say. Where those say to look once, later calls only try
        again what the first has found, until `configure`.

        Raises:
            OSError: the base path cannot be read.
        """
        with self._polling:
            if self._closed:
                return
            on_disk = self._on_disk()
            wanted = self._policy.wanted(on_disk)
            substitutes = self._policy.substitutes(on_disk)
            self._table.start(wanted if self._serving.by_version else wanted | substitutes)
            for version in sorted(wanted, reverse=True):
                self._try_load(version, on_disk[version])
            for version in sorted(substitutes, reverse=True):
                if version <= max(self._serving.by_version, default=-1):
                    break
                self._try_load(version, on_disk[version])
            self._unload(surplus(self._serving.by_version, wanted))
            self._table.forget_all_but(on_disk)
            self._failures = {v: seen for v, seen in self._failures.items() if v in on_disk}
        if self._table.take_freed():
            # TensorFlow's graphs refer to themselves; left to itself, Python frees a version so
            # late that memory grows with every push.
            gc.collect()

    def close(self) -> None:
        """Unloads everything; a version that is being loaded is dropped when it is ready."""
        with self._swapping:
            self._closed = True
            ended = list(self._serving.by_version.values())
            self._table.unload(ended)
            self._table.end_untried()
            self._serving = _Serving()
        self._retire(ended)

    def _on_disk(self) -> Mapping[int, Path]:
        if self._found is not None:
            return self._found
        found = versions.list_versions(self._base_path)
        if self._loading.look_once:
            self._found = found
        return found

    def _try_load(self, version: int, path: Path) -> None:
        if self._closed or version in self._serving.by_version:
            return
        seen = versions.fingerprint(path)
        if self._loading.look_once and version in self._failures:
            seen = self._failures[version].files  # changed files are no reason to try again
        if not self._may_try(version, seen):
            return
        self._table.set(VersionStatus(version, State.LOADING))
        try:
            with apart(), short_turns():
                servable = self._load_warm(version, path)
        except Exception as error:  # whatever a broken model raises must not end the server
            self._fail(version, seen, error)
        else:
            self._failures.pop(version, None)
            self._on_load("ok")
            self._swap_in(servable)

    def _load_warm(self, version: int, path: Path) -> Servable:
        servable = self._load(self._name, version, path)
        before = self._serving.highest
        try:
            if before is not None:
                servable.prepare_as(before)
            for _ in range(self._loading.warmup_iterations):
                warmup.run_warmup(servable)
        except BaseException:
            servable.retire()
            raise
        return servable

    def _may_try(self, version: int, seen: versions.Fingerprint) -> bool:
        failure = self._failures.get(version)
        if failure is None or failure.files != seen:
            return True
        rested = time.monotonic() - failure.at_s >= self._loading.retry_interval_s
        return rested and failure.attempts <= self._loading.max_retries

    def _fail(self, version: int, seen: versions.Fingerprint, error: Exception) -> None:
        refusal = status.as_refusal(error)
        _log.error("version %d of model %s is not servable", version, self._name, exc_info=error)
        before = self._failures.get(version)
        attempts = before.attempts + 1 if before is not None and before.files == seen else 1
        self._failures[version] = _Failure(seen, attempts, time.monotonic())
        self._table.set(VersionStatus(version, State.END, refusal.code, refusal.message))
        self._on_load(refusal.code.name)

    def _swap_in(self, servable: Servable) -> None:
        with self._swapping:
            closed = self._closed
            if not closed:
                self._serve({**self._serving.by_version, servable.version: servable})
                self._table.set(VersionStatus(servable.version, State.AVAILABLE))
        if closed:
            self._table.unload([servable])
            self._retire([servable])
        else:
            _log.info("version %d of model %s is available", servable.version, self._name)

    def _unload(self, unwanted: frozenset[int]) -> None:
        with self._swapping:
            before = self._serving.by_version
            ended = [before[version] for version in sorted(unwanted & before.keys())]
            self._table.unload(ended)
            self._serve({v: kept for v, kept in before.items() if v not in unwanted})
        self._retire(ended)

    def _serve(self, servables: Mapping[int, Servable]) -> None:
        highest = servables[max(servables)] if servables else None
        self._serving = _Serving(servables, highest)

    def _retire(self, servables: Iterable[Servable]) -> None:
        """Requests under way hold a version; its session is closed by the last of them."""
        for servable in servables:
            servable.retire()
            _log.info("version %d of model %s is unloaded", servable.version, self._name)
