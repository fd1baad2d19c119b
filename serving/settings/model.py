"""One model to serve: an entry of TensorFlow Serving's model config list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rankbeam.serving.policy import LATEST, VersionPolicy
from rankbeam.serving.settings.checks import InvalidSetting, require
from rankbeam.serving.settings.logging import LoggingSettings


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model by name.

    Attributes:
        name: the name clients use.
        base_path: the folder with one integer-named folder per version.
        policy: which of them serve.
        labels: names that requests may use for versions.
        logging: the request log, or None.
    """

    name: str
    base_path: Path
    policy: VersionPolicy = LATEST
    labels: Mapping[str, int] = field(default_factory=dict)
    logging: LoggingSettings | None = None

    def __post_init__(self) -> None:
        """Refuses the empty name, which no request can ask for.

        Raises:
            InvalidSetting: it is empty.
        """
        require(bool(self.name), "name", "not be empty", repr(self.name))


def local_base_path(name: str, base_path: str) -> Path:
    """A model's base path as TensorFlow Serving takes it, which is from the root.

    Raises:
        InvalidSetting: it is relative, or the URI of a store that this server does not read.
    """
    if "://" in base_path:
        message = f"Expected model {name} to have a local path; got base_path()={base_path}"
        raise InvalidSetting(message, "base_path")
    if not Path(base_path).is_absolute():
        message = (
            f"Expected model {name} to have an absolute path or URI; got base_path()={base_path}"
        )
        raise InvalidSetting(message, "base_path")
    return Path(base_path)


def by_name(models: Iterable[ModelSettings]) -> dict[str, ModelSettings]:
    """The models by name, in their order.

    Raises:
        InvalidSetting: a name occurs twice; the words are TensorFlow Serving's.
    """
    found: dict[str, ModelSettings] = {}
    for index, model in enumerate(models):
        if model.name in found:
            message = f"Illegal to list model {model.name} multiple times in config list"
            raise InvalidSetting(message, "name", index)
        found[model.name] = model
    return found
