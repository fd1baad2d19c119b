"""From the folder a user names to the model that was pushed there. Pure but for reading folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rankbeam.serving.content import read_record
from rankbeam.serving.versions import SAVED_MODEL_FILE, complete_versions
from rankbeam.transform.errors import ConfigError

# A run's output folder holds the base path at most this many levels down; artifacts, with their
# thousands of folders, are deeper.
_SEARCH_DEPTH = 3


@dataclass(frozen=True, slots=True)
class PushedModel:
    """A base path, the name to serve it under, and its newest version at the time of looking."""

    model_name: str
    base_path: Path
    version: int


def locate(source: Path) -> PushedModel:
    """Finds the one pushed model in a folder.

    Args:
        source: a base path (integer-named version folders inside), or a folder that holds exactly
            one base path of pushed versions within three levels, such as a run's output folder.

    Raises:
        ConfigError: there is no such folder, it holds no pushed model, or several, or it is a
            version folder itself.
    """
    if not source.is_dir():
        raise ConfigError(f"pushed folder must be a folder; got {source}")
    if (source / SAVED_MODEL_FILE).is_file():
        raise ConfigError(
            f"pushed folder must hold version folders; {source} is a version itself, "
            f"name {source.resolve().parent}"
        )
    versions = complete_versions(source)
    if versions:
        return _describe(source, versions)
    found = list(_search(source, _SEARCH_DEPTH))
    if not found:
        raise ConfigError(
            f"pushed folder must hold a pushed model within {_SEARCH_DEPTH} levels; found none in "
            f"{source} (was the run blessed and pushed?)"
        )
    if len(found) > 1:
        names = ", ".join(str(model.base_path) for model in found)
        raise ConfigError(f"pushed folder must hold one pushed model; {source} holds: {names}")
    return found[0]


def _search(folder: Path, depth: int) -> Iterator[PushedModel]:
    """Base paths below a folder whose newest version carries a push record."""
    for child in sorted(folder.iterdir()):
        if child.is_symlink() or not child.is_dir():
            continue
        versions = complete_versions(child)
        if versions and read_record(versions[max(versions)]) is not None:
            yield _describe(child, versions)
        elif depth > 1:
            yield from _search(child, depth - 1)


def _describe(base_path: Path, versions: dict[int, Path]) -> PushedModel:
    newest = max(versions)
    record = read_record(versions[newest])
    name = base_path.resolve().name if record is None else record.model_name
    return PushedModel(model_name=name, base_path=base_path.resolve(), version=newest)
