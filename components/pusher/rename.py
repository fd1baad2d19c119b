"""Renaming a folder to a name that nobody has, in one step that never replaces anything."""

import ctypes
import errno
import os
from pathlib import Path

# linux/fcntl.h and linux/fs.h
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1

# The file system, or the kernel, does not know the flag.
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS}


def rename_new(source: Path, target: Path) -> None:
    """Renames `source` to `target`, which must not exist, atomically.

    Where the file system cannot promise that (NFS, for one), an existing folder that holds
    anything is still never replaced: the kernel refuses to.

    Raises:
        FileExistsError: the target exists.
        OSError: the rename fails for another reason.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE
    )
    if done == 0:
        return
    code = ctypes.get_errno()
    if code not in _UNSUPPORTED:
        raise OSError(code, os.strerror(code), str(source), None, str(target))
    rename_checked(source, target)


def rename_checked(source: Path, target: Path) -> None:
    """Renames `source` to `target`, which must not exist or be an empty folder, atomically.

    Raises:
        FileExistsError: the target exists and holds something.
        OSError: the rename fails for another reason.
    """
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from error
        raise
