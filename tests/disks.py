"""Small disks that tests may fill or lock: tmpfs mounts, where mounting is allowed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A tmpfs of a size such as `64k` for a block; skips the test where there can be none."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command on this machine")
    if done.returncode != 0:
        pytest.skip(f"mounting a tmpfs is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount_read_only(folder: Path) -> None:
    """Makes a `small_disk` read-only, for root as for everybody."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def resize(folder: Path, size: str) -> None:
    """Gives a `small_disk` another size, such as `1m`."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
