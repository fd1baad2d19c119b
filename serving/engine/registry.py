"""The models of a server: by name, version and label; replaced by a new list while they serve."""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from tensorflow_serving.apis import model_pb2

from rankbeam.serving import status
from rankbeam.serving.engine.version_watcher import Nobody, VersionWatcher
from rankbeam.serving.manager import Load, State, VersionManager, VersionStatus
from rankbeam.serving.servable import Servable, load_servable
from rankbeam.serving.settings.loading import LoadSettings
from rankbeam.serving.settings.model import ModelSettings, by_name
from rankbeam.transform.errors import ConfigError

_log = logging.getLogger(__name__)
_DEFAULT_LOADING = LoadSettings()


@dataclass(frozen=True, slots=True)
class _Models:
    """What requests see; replaced as a whole, so that they need no lock."""

    settings: Mapping[str, ModelSettings] = field(default_factory=dict)
    managers: Mapping[str, VersionManager] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, Mapping[str, int]]:
        """The labels of each model."""
        return {name: model.labels for name, model in self.settings.items()}


class ModelRegistry:
    """Models by name, and the versions that requests hold.

    Nothing is loaded before the first `poll`.

    Args:
        models: what to serve at first.
        load: loads one version.
        loading: warm-up, and what happens after a failure.
        labels_for_unavailable: whether a new label may name a version that does not serve.
        watcher: told of loads and states.

    Raises:
        ConfigError: a name occurs twice, or there are labels and `labels_for_unavailable` is off:
            no version serves yet that they could name.
    """

    def __init__(
        self,
        models: Iterable[ModelSettings],
        *,
        load: Load = load_servable,
        loading: LoadSettings = _DEFAULT_LOADING,
        labels_for_unavailable: bool = False,
        watcher: VersionWatcher | None = None,
    ) -> None:
        self._load = load
        self._loading = loading
        self._labels_for_unavailable = labels_for_unavailable
        self._watcher: VersionWatcher = watcher if watcher is not None else Nobody()
        self._reloading = threading.Lock()
        self._unreadable: dict[str, str] = {}
        self._looked = False
        self._models = _Models()
        self._gone: dict[str, VersionManager] = {}
        wanted = by_name(models)
        try:
            self._check_labels(wanted)
        except status.Refusal as refusal:
            raise ConfigError(
                f"{refusal.message}; --allow_version_labels_for_unavailable_models permits that"
            ) from refusal
        self._install(wanted)

    def names(self) -> tuple[str, ...]:
        """The models' names, in the config's order."""
        return self._models.names

    def settings(self) -> tuple[ModelSettings, ...]:
        """The models as configured, in the config's order."""
        return tuple(self._models.settings.values())

    @contextmanager
    def use(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """The version that a ModelSpec asks for; it stays in memory until the block ends.

        Raises:
            status.Refusal: INVALID_ARGUMENT for no name or an unknown label, NOT_FOUND for a model
                or version that does not serve; UNAVAILABLE before the first `poll` is through,
                when TensorFlow Serving does not listen yet.
        """
        servable = self.acquire(spec)
        try:
            yield servable
        finally:
            servable.release()

    def acquire(self, spec: model_pb2.ModelSpec) -> Servable:
        """As `use`, for those who release it themselves.

        Raises:
            status.Refusal: as `use`.
        """
        name = spec.name
        if not name:
            raise status.invalid_argument("ModelSpec has no name specified.")
        models = self._models
        choice = _choice(spec)
        version: int | None = None
        if choice == "version":
            version = spec.version.value
        elif choice == "version_label":
            version = _labelled(models, name, spec.version_label)
        manager = models.managers.get(name)
        if manager is None:
            raise status.not_servable(name, version)
        looked = self._looked  # before: a version may come right after it was missed
        try:
            return manager.acquire(version)
        except status.Refusal as refusal:
            if looked:
                raise
            raise status.not_yet_servable(name) from refusal

    def statuses(self, spec: model_pb2.ModelSpec) -> list[VersionStatus]:
        """The states of a model's versions, highest first, or of one; labels do not count.

        A model that is no longer in the config is known until its name is used again.

        Raises:
            status.Refusal: NOT_FOUND for a model or version that is not known.
        """
        version = int(spec.version.value) if _choice(spec) == "version" else None
        manager = self._models.managers.get(spec.name) or self._gone.get(spec.name)
        if manager is None:
            raise status.not_managed(spec.name, version)
        return manager.statuses(version)

    def all_statuses(self, name: str) -> list[VersionStatus]:
        """The states of a model's versions, highest first; empty where nothing is known."""
        try:
            return self.statuses(model_pb2.ModelSpec(name=name))
        except status.Refusal:
            return []

    def reload(self, models: Iterable[ModelSettings]) -> None:
        """Puts a new list of models in the place of the old one, as HandleReloadConfigRequest does.

        Models that are gone are unloaded. Models that stay serve on, and follow a changed policy
        or base path. Returns once each new model has a version that serves.

        Raises:
            status.Refusal: INVALID_ARGUMENT for a name that occurs twice, FAILED_PRECONDITION for a
                label on a version that does not serve; nothing is changed then. UNKNOWN where a
                new model has no version that serves; the list is in force all the same.
        """
        with self._reloading:
            try:
                wanted = by_name(models)
            except ConfigError as error:
                raise status.invalid_argument(str(error)) from error
            self._check_labels(wanted)
            before = self._models.settings
            self._install(wanted)
            for name, model in wanted.items():
                if before.get(name) != model:
                    self._poll(name)
            self._check_available([name for name in wanted if name not in before])

    def poll(self) -> None:
        """Looks at all base paths once; one that cannot be read does not hold up the others."""
        for name in self._models.names:
            self._poll(name)
        self._looked = True

    def close(self) -> None:
        """Unloads all models; requests under way end as they would."""
        with self._reloading:
            self._install({})

    def _check_labels(self, wanted: Mapping[str, ModelSettings]) -> None:
        """TensorFlow Serving's rule, held before anything is loaded or unloaded.

        A label names a version that serves. Where versions that do not serve are permitted, that
        goes for new labels; one that exists moves only to a version that serves.
        """
        present = self._models.labels
        for name, model in wanted.items():
            for label, version in model.labels.items():
                moves = present.get(name, {}).get(label, version) != version
                if self._labels_for_unavailable and not moves:
                    continue
                if not self._serves(name, version):
                    raise status.failed_precondition(
                        f"Request to assign label to version {version} of model {name}, which is "
                        "not currently available for inference"
                    )

    def _serves(self, name: str, version: int) -> bool:
        rows = self.all_statuses(name)
        return any(row.version == version and row.state is State.AVAILABLE for row in rows)

    def _install(self, wanted: Mapping[str, ModelSettings]) -> None:
        before = self._models
        managers = {}
        for name, model in wanted.items():
            kept = before.managers.get(name)
            if kept is not None and before.settings[name] != model:
                kept.configure(model.base_path, model.policy)
            managers[name] = kept if kept is not None else self._manager(model)
        self._models = _Models(dict(wanted), managers, tuple(wanted))
        gone = {name: old for name, old in before.managers.items() if name not in wanted}
        self._gone = {n: m for n, m in {**self._gone, **gone}.items() if n not in wanted}
        for manager in gone.values():
            manager.close()

    def _manager(self, model: ModelSettings) -> VersionManager:
        name, watcher = model.name, self._watcher
        return VersionManager(
            name,
            model.base_path,
            model.policy,
            loading=self._loading,
            load=self._load,
            on_load=lambda outcome: watcher.count_load(model=name, outcome=outcome),
            watch=lambda states: watcher.set_version_states(name, states),
        )

    def _poll(self, name: str) -> None:
        models = self._models
        manager, model = models.managers.get(name), models.settings.get(name)
        if manager is None or model is None:
            return
        try:
            manager.poll()
        except OSError as error:  # a share that is away for a while; what is loaded serves on
            if self._unreadable.get(name) != str(error):
                _log.error("cannot read %s of model %s: %s", model.base_path, name, error)
            self._unreadable[name] = str(error)
        else:
            self._unreadable.pop(name, None)

    def _check_available(self, names: Iterable[str]) -> None:
        missing = []
        for name in names:
            rows = self.all_statuses(name)
            if not any(row.state is State.AVAILABLE for row in rows):
                missing.append(_reason(name, rows))
        if missing:
            raise status.Refusal(
                grpc.StatusCode.UNKNOWN,
                f"{len(missing)} model(s) did not become available: {{{''.join(missing)}}}",
            )


def _choice(spec: model_pb2.ModelSpec) -> str | None:
    found: str | None = spec.WhichOneof("version_choice")
    return found


def _labelled(models: _Models, name: str, label: str) -> int:
    model = models.settings.get(name)
    version = None if model is None else model.labels.get(label)
    if version is None:
        raise status.invalid_argument(f"Unrecognized servable version label: {label}")
    return version


def _reason(name: str, rows: list[VersionStatus]) -> str:
    """TensorFlow Serving's words for a model that failed; it would wait for one without files."""
    if not rows:
        return f"{{Latest({name}) due to error: NOT_FOUND: no versions under its base path}}, "
    row = rows[0]
    error = f"due to error: {row.code.name}: {row.message}"
    return f"{{{{name: {name} version: {row.version}}} {error}}}, "
