"""One run at a time may write to an output folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rankbeam.transform.errors import EnvironmentFault


@contextmanager
def output_lock(root: Path, lock: Path) -> Iterator[None]:
    """Make the output folder and hold its lock; the system frees it if the process dies.

    Raises:
        EnvironmentFault: The folder cannot be written, or another run holds the lock.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise EnvironmentFault(
            f"output folder must be writable; got {root}: {error.strerror}"
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EnvironmentFault(
                f"output folder must be free; another run is writing to {root}"
            ) from None
        yield
    finally:
        os.close(handle)
