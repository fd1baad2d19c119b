"""Generated files onto the disk: all checked before any is written, each replaced in one step."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rankbeam.serving.manifests.documents import is_untouched
from rankbeam.transform.errors import EnvironmentFault

# The containers' users read the files, whatever the umask here; they hold no secret.
_FILE_MODE: Final = 0o644
_FOLDER_MODE: Final = 0o755


def write_files(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Writes files into a folder.

    A file that is there is replaced only if it was generated and not edited since, which its own
    digest tells. The new texts are complete on the disk before the first of them takes its place,
    so that a killed process leaves whole files, old or new.

    Args:
        folder: made where it is missing.
        files: relative path to text.
        force: replace whatever is there.

    Raises:
        EnvironmentFault: a file was written or edited by somebody else, or the folder cannot be
            written to.
    """
    targets = {folder / name: text for name, text in files.items()}
    if not force:
        _refuse_foreign(targets)
    try:
        _replace(folder, targets)
    except OSError as error:
        raise EnvironmentFault(f"--output must be writable; got {folder} ({error})") from error


def _refuse_foreign(targets: Mapping[Path, str]) -> None:
    foreign = [
        path for path, text in targets.items() if os.path.lexists(path) and not _is_ours(path, text)
    ]
    if foreign:
        names = ", ".join(str(path) for path in foreign)
        raise EnvironmentFault(
            "files to write must be absent or as they were generated (--force replaces them); "
            f"got others or edited ones: {names}"
        )


def _is_ours(path: Path, text: str) -> bool:
    try:
        present = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return present == text or is_untouched(present)


def _replace(folder: Path, targets: Mapping[Path, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".rankbeam-", dir=folder) as staging:
        staged = []
        for number, (path, text) in enumerate(targets.items()):
            waiting = Path(staging, str(number))
            with waiting.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            waiting.chmod(_FILE_MODE)
            staged.append((waiting, path))
        for waiting, path in staged:
            _make_folders(path.parent, folder)
            waiting.replace(path)


def _make_folders(folder: Path, above: Path) -> None:
    if folder == above or folder.is_dir():
        return
    _make_folders(folder.parent, above)
    folder.mkdir()
    folder.chmod(_FOLDER_MODE)
