"""The checkout under test: its root, its tracked files, its packages."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("components", "pipeline", "serving", "simulator", "trainer", "transform")


def tracked(*patterns: str) -> list[Path]:
    """The files that git tracks (or would, after `git add`), as absolute paths.

    Args:
      *patterns: git pathspecs, relative to the root; none means every file.
    """
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others"]
    command += ["--exclude-standard", "--", *patterns]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())
