"""Beam's file systems behind TFX's interface, where TensorFlow's are absent or will not do.

TFX reads and writes through `tfx.dsl.io.fileio`, which sends every scheme to TensorFlow; its builds
know gs:// but no longer s3:// and hdfs://. `send_to_beam` sends a scheme to Beam, or to what stands
in its place here; TFX's drivers and components then work on it as they are.

Object stores have no folders: one is there where something is below it. Where a file system has
folders, they are made before a file is written, and have size 0 in listings.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from apache_beam.io.filesystem import CompressionTypes, FileMetadata, FileSystem
from tfx.dsl.io import filesystem, filesystem_registry

from rankbeam.components.remote.beam_lookup import beam_file_system
from rankbeam.components.remote.hdfs_files import HdfsFiles
from rankbeam.components.remote.streams import (
    COPY_BYTES,
    ReadStream,
    Upload,
    WriteStream,
    Written,
    naming_errors,
)

# TensorFlow's file system has 10, and the lower one is preferred.
_PRIORITY = 5
_PLAIN = CompressionTypes.UNCOMPRESSED

Folder = tuple[str, list[str], list[str]]
"""A folder, and the names of its folders and of its files."""


@dataclass(frozen=True)
class FileFacts:
    """What TFX's fingerprints ask for.

    Attributes:
        length: Size in bytes.
        mtime_nsec: Time of the last change, in nanoseconds since 1970.
    """

    length: int
    mtime_nsec: int


class BeamFilesystem(filesystem.Filesystem):
    """TFX's interface on the file system that `beam_file_system` finds."""

    SUPPORTED_SCHEMES: ClassVar[list[str]] = []

    @staticmethod
    @naming_errors
    def open(name: str, mode: str = "r") -> ReadStream | WriteStream:
        """Open a file to be read, or to be written anew."""
        files = beam_file_system(name)
        if mode.startswith("r"):
            if not _is_file(files, name):
                raise filesystem.NotFoundError(f"nothing is at {name}")
            raw = files.open(name, compression_type=_PLAIN)
            return ReadStream(name, raw, is_text="b" not in mode)
        if not mode.startswith("w"):
            raise ValueError(f"mode must begin with r or w; got {mode}")
        _make_folder(files, name.rpartition("/")[0])

        def create() -> Written:
            raw: Written = files.create(name, compression_type=_PLAIN)
            return raw

        return WriteStream(name, create, lambda raw: _discard(files, name, raw))

    @staticmethod
    @naming_errors
    def copy(src: str, dst: str, overwrite: bool = False) -> None:
        """Copy a file."""
        _check_free(dst, overwrite)
        source, target = BeamFilesystem.open(src, "rb"), BeamFilesystem.open(dst, "wb")
        assert isinstance(source, ReadStream)  # by their modes
        assert isinstance(target, WriteStream)
        with source, target:
            while chunk := source.read(COPY_BYTES):
                target.write(chunk)

    @staticmethod
    @naming_errors
    def exists(path: str) -> bool:
        """Whether a file or folder is there."""
        files = beam_file_system(path)
        return _is_file(files, path) or _is_folder(files, path)

    @staticmethod
    @naming_errors
    def glob(pattern: str) -> list[str]:
        """Files and folders that match; * and ? match within one name."""
        files = beam_file_system(pattern)
        literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
        levels = pattern.count("/") - literal.count("/")
        matches = re.compile(files.translate_pattern(pattern)).match
        return sorted(
            path
            for folder, folders, names in _walk(files, literal, levels)
            for path in (f"{folder}/{name}" for name in (*folders, *names))
            if matches(path)
        )

    @staticmethod
    @naming_errors
    def isdir(path: str) -> bool:
        """Whether a folder is there."""
        return _is_folder(beam_file_system(path), path)

    @staticmethod
    @naming_errors
    def listdir(path: str) -> list[str]:
        """Names of files and folders in a folder."""
        for _, folders, names in _walk(beam_file_system(path), path, levels=1):
            return [*folders, *names]
        raise filesystem.NotFoundError(f"nothing is at {path}")

    @staticmethod
    @naming_errors
    def makedirs(path: str) -> None:
        """Make a folder, where there are folders."""
        _make_folder(beam_file_system(path), path)

    mkdir = makedirs

    @staticmethod
    @naming_errors
    def remove(path: str) -> None:
        """Remove a file."""
        files = beam_file_system(path)
        if not _is_file(files, path):
            raise filesystem.NotFoundError(f"nothing is at {path}")
        files.delete([path])

    @staticmethod
    @naming_errors
    def rename(src: str, dst: str, overwrite: bool = False) -> None:
        """Rename a file or folder: one file after the other where there are no folders."""
        files = beam_file_system(src)
        _check_free(dst, overwrite)
        if BeamFilesystem.exists(dst):
            files.delete([dst])
        if files.has_dirs() or _is_file(files, src):
            _make_folder(files, dst.rpartition("/")[0])
            files.rename([src], [dst])
            return
        base = src.rstrip("/")
        found = [each.path for each in _below(files, src)]
        if not found:
            raise filesystem.NotFoundError(f"nothing is at {src}")
        files.rename(found, [dst.rstrip("/") + path[len(base) :] for path in found])

    @staticmethod
    @naming_errors
    def rmtree(path: str) -> None:
        """Remove a folder with all that is in it."""
        files = beam_file_system(path)
        if not _is_folder(files, path):
            raise filesystem.NotFoundError(f"nothing is at {path}")
        # Marks of folders go as well: servers take one that is left for a version without a model.
        files.delete([path] if files.has_dirs() else [each.path for each in _listed(files, path)])

    @staticmethod
    @naming_errors
    def stat(path: str) -> FileFacts:
        """Size and time of the last change."""
        files = beam_file_system(path)
        if not _is_file(files, path):
            raise filesystem.NotFoundError(f"nothing is at {path}")
        facts = files.metadata(path)
        return FileFacts(facts.size_in_bytes, round(facts.last_updated_in_seconds * 1e9))

    @staticmethod
    @naming_errors
    def walk(
        top: str, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterable[Folder]:
        """Folders, each with the names of its folders and files."""
        found = list(_walk(beam_file_system(top), top))
        return found if topdown else found[::-1]


def send_to_beam(*schemes: str) -> None:
    """Let TFX reach `schemes`, as `s3`, through Beam."""
    known = {*BeamFilesystem.SUPPORTED_SCHEMES, *(f"{scheme}://" for scheme in schemes)}
    BeamFilesystem.SUPPORTED_SCHEMES = sorted(known)
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(BeamFilesystem, priority=_PRIORITY)


def _discard(files: FileSystem, path: str, raw: Written) -> None:
    """Remove what was written of a file; ours know how, of Beam's it is there once closed."""
    if isinstance(raw, Upload):
        raw.abandon()
        return
    with suppress(Exception):  # it is closed already, or cannot be
        raw.close()
    if files.exists(path):
        files.delete([path])


def _check_free(path: str, overwrite: bool) -> None:
    if not overwrite and BeamFilesystem.exists(path):
        raise OSError(f"destination must not exist; got {path}")


def _listed(files: FileSystem, folder: str) -> Iterator[FileMetadata]:
    """What is right in a folder or, where there are none, all that is below it.

    `_list` is what each file system must define. `match`, Beam's way to it, cannot be told of names
    with * ? or [ in them.
    """
    yield from files._list(folder.rstrip("/") + "/" * (not files.has_dirs()))


def _below(files: FileSystem, folder: str) -> Iterator[FileMetadata]:
    """All files below a folder of a file system that has none; consoles leave marks of folders."""
    return (found for found in _listed(files, folder) if not found.path.endswith("/"))


def _is_folder(files: FileSystem, path: str) -> bool:
    if not files.has_dirs():
        return any(True for _ in _below(files, path))
    base = path.rstrip("/")
    if isinstance(files, HdfsFiles):
        return files.is_folder(base)
    if not files.exists(base):
        return False
    if files.metadata(base).size_in_bytes:
        return False
    try:
        return not any(found.path.rstrip("/") == base for found in _listed(files, base))
    except OSError:  # only folders can be listed
        return False


def _is_file(files: FileSystem, path: str) -> bool:
    _, _, place = path.partition("://")
    if path.endswith("/") or "/" not in place:
        return False
    return bool(files.exists(path)) and not (files.has_dirs() and _is_folder(files, path))


def _make_folder(files: FileSystem, path: str) -> None:
    if files.has_dirs() and not files.exists(path):
        files.mkdirs(path)


def _walk(files: FileSystem, top: str, levels: int | None = None) -> Iterator[Folder]:
    """Folders from `top` on, at most `levels` deep; none where it is not there."""
    base = top.rstrip("/")
    if not _is_folder(files, base):
        return
    if not files.has_dirs():
        yield from _grouped(base, [each.path for each in _below(files, base)], levels)
        return
    found = list(_listed(files, base))
    folders = [each.path for each in found if _is_folder(files, each.path)]
    names = [each.path for each in found if each.path not in folders]
    yield base, *([path.rpartition("/")[2] for path in some] for some in (folders, names))  # type: ignore[misc]
    if levels != 1:
        for folder in folders:
            yield from _walk(files, folder, None if levels is None else levels - 1)


def _grouped(base: str, paths: list[str], levels: int | None) -> Iterator[Folder]:
    """The folders that paths lead through."""
    folders: dict[str, None] = {}
    files: list[str] = []
    deeper: dict[str, list[str]] = {}
    for path in paths:
        name, slash, _ = path[len(base) + 1 :].partition("/")
        if slash:
            folders[name] = None
            deeper.setdefault(name, []).append(path)
        else:
            files.append(name)
    yield base, list(folders), files
    if levels != 1:
        for name in folders:
            yield from _grouped(f"{base}/{name}", deeper[name], levels and levels - 1)
