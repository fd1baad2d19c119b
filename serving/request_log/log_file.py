"""One file of the log: locked while it is written, whole when it appears under its name."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from rankbeam.serving.request_log.names import LogPaths

# Some file systems know no locks; there, files of dead processes are left where they are.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class PartlyWritten(OSError):  # the writer waits and tries again: it never reaches a user
    """The file took some of the frames, and then no more.

    Attributes:
        kept: how many of the frames it holds, whole.
    """

    def __init__(self, kept: int, cause: OSError) -> None:
        super().__init__(cause.errno, cause.strerror)
        self.kept = kept


class LogFile:
    """A partial file that grows by whole frames until it is published.

    Args:
        paths: where it is, and where it goes.

    Attributes:
        paths: as given.
        size: bytes of whole frames.
        records: how many frames.

    Raises:
        OSError: The file cannot be created.
    """

    def __init__(self, paths: LogPaths) -> None:
        self.paths = paths
        self.size = 0
        self.records = 0
        self._torn = False
        paths.partial.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(paths.partial, flags, 0o644)
        try:
            # Between creation and lock, another process may take the file for a dead one's.
            if not lock_if_known(self._descriptor) or not self.is_there():
                raise OSError(errno.EAGAIN, "another process removed the new file", paths.partial)
        except OSError:
            os.close(self._descriptor)
            raise

    def is_there(self) -> bool:
        """Whether the file can still be reached by its name."""
        return is_same(self._descriptor, self.paths.partial)

    def append(self, frames: Sequence[bytes]) -> None:
        """Adds frames; one that does not fit leaves no trace.

        Raises:
            PartlyWritten: The disk is full or fails otherwise; says how many were kept.
        """
        content = memoryview(b"".join(frames))
        written = 0
        try:
            self._cut_back()
            while written < len(content):
                written += os.write(self._descriptor, content[written:])
        except OSError as error:
            self._torn = True
            kept = self._count_whole(frames, written)
            with contextlib.suppress(OSError):  # tried again before anything else is written
                self._cut_back()
            raise PartlyWritten(kept, error) from error
        self._count_whole(frames, written)

    def _count_whole(self, frames: Sequence[bytes], written: int) -> int:
        """Takes the frames that are whole within the bytes written into account."""
        kept = end = 0
        for one in frames:
            if end + len(one) > written:
                break
            end += len(one)
            kept += 1
        self.size += end
        self.records += kept
        return kept

    def _cut_back(self) -> None:
        if self._torn:
            os.ftruncate(self._descriptor, self.size)
            self._torn = False

    def publish(self) -> None:
        """Gives the file its name, after its bytes are on the disk; an empty one is removed.

        Raises:
            OSError: It cannot be done now; the file stays as it is and this may be called again.
        """
        self._cut_back()
        finish(self._descriptor, self.paths, self.records)
        self.close()

    def close(self) -> None:
        """Lets go of the file, published or not."""
        os.close(self._descriptor)


def lock(descriptor: int) -> bool:
    """Takes the lock that says a process is writing the file; False where another has it.

    Raises:
        OSError: The file system fails, or knows no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_if_known(descriptor: int) -> bool:
    """As `lock`; true where the file system knows no locks.

    Raises:
        OSError: The file system fails.
    """
    try:
        return lock(descriptor)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return True


def is_same(descriptor: int, path: Path) -> bool:
    """Whether the path leads to the open file.

    Raises:
        OSError: Neither can be told.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def finish(descriptor: int, paths: LogPaths, records: int) -> None:
    """Moves a whole file to its finished name, durably; removes one without records.

    Raises:
        OSError: The disk fails; the file is where it was.
    """
    if not records:
        paths.partial.unlink(missing_ok=True)
        return
    os.fsync(descriptor)
    paths.finished.parent.mkdir(parents=True, exist_ok=True)
    paths.partial.rename(paths.finished)
    for folder in (paths.finished.parent, paths.partial.parent):
        # The move is done; that it is durable as well can only be asked for.
        with contextlib.suppress(OSError):
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Asks for what was moved in a folder to be durable.

    Raises:
        OSError: The disk fails.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
