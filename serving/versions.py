"""Model versions on disk: integer folders below a base path. Pure but for reading folders."""

import os
import re
from pathlib import Path

_VERSION_NAME = re.compile(r"[0-9]+")
MAX_VERSION = 2**63 - 1  # versions travel as int64
SAVED_MODEL_FILE = "saved_model.pb"

Fingerprint = tuple[tuple[str, int, int], ...]


def list_versions(base_path: Path) -> dict[int, Path]:
    """Version number -> folder; everything that is not an integer-named folder is ignored.

    `7` wins over `007`. A base path that does not exist has no versions.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    try:
        entries = sorted(os.scandir(base_path), key=lambda entry: -len(entry.name))
    except FileNotFoundError:
        return {}
    return {
        int(entry.name): Path(entry.path)
        for entry in entries
        if _VERSION_NAME.fullmatch(entry.name) and int(entry.name) <= MAX_VERSION and entry.is_dir()
    }


def complete_versions(base_path: Path) -> dict[int, Path]:
    """The versions that hold a SavedModel.

    Raises:
        OSError: the folder is there and cannot be read.
    """
    versions = list_versions(base_path)
    return {v: path for v, path in versions.items() if (path / SAVED_MODEL_FILE).is_file()}


def fingerprint(folder: Path) -> Fingerprint:
    """Names, sizes and modification times of a folder's files: changes when a copy goes on.

    A file that vanishes meanwhile is left out, which changes the fingerprint as it should.
    """
    rows = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            rows.append((path.relative_to(folder).as_posix(), found.st_size, found.st_mtime_ns))
    return tuple(sorted(rows))
