"""Two file systems of Beam's kind in memory: one of objects, as S3 is, one of folders, as HDFS is.

Importing this module makes them known to Beam and TFX, under the schemes `objects` and `folders`.
"""
# ruff: noqa: D102 - the methods are Beam's

import io
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem

from rankbeam.components.remote.beam_files import send_to_beam


class _Written(io.BytesIO):
    """Bytes that are there under their name once they are closed."""

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        super().__init__()
        self._keep = keep

    def close(self) -> None:
        if self.closed:
            return
        content = self.getvalue()
        super().close()  # before what may fail: Python closes again what is still open at its end
        self._keep(content)


class ObjectsFileSystem(FileSystem):
    """A bucket: names with slashes, and no folders.

    Attributes:
        held: Name to content, and time of writing.
        log: What was written and deleted, in order.
        fails: Is asked before each writing; raises what should go wrong there.
    """

    held: ClassVar[dict[str, tuple[bytes, float]]] = {}
    log: ClassVar[list[tuple[str, str]]] = []
    fails: ClassVar[Callable[[str], None] | None] = None

    @classmethod
    def scheme(cls) -> str:
        return "objects"

    @classmethod
    def reset(cls) -> None:
        """Forget everything."""
        cls.held.clear()
        cls.log.clear()
        cls.fails = None

    @classmethod
    def put(cls, path: str, content: bytes) -> None:
        """Hold a file."""
        if cls.fails is not None:
            cls.fails(path)
        cls.held[path] = (content, time.time())
        cls.log.append(("put", path))

    def has_dirs(self) -> bool:
        return False

    def mkdirs(self, path: str) -> None:
        pass

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path in sorted(self.held):
            if path.startswith(dir_or_prefix):
                yield self.metadata(path)

    def create(self, path: str, *_: Any, **__: Any) -> Any:
        return _Written(lambda content: self.put(path, content))

    def open(self, path: str, *_: Any, **__: Any) -> Any:
        return io.BytesIO(self.held[path][0])

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            self.put(target, self.held.pop(source)[0])

    def exists(self, path: str) -> bool:
        return path in self.held

    def size(self, path: str) -> int:
        return int(self.metadata(path).size_in_bytes)

    def last_updated(self, path: str) -> float:
        return float(self.metadata(path).last_updated_in_seconds)

    def metadata(self, path: str) -> FileMetadata:
        if path not in self.held:
            raise BeamIOError(f"nothing at {path}")
        content, written = self.held[path]
        return FileMetadata(path, len(content), written)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            del self.held[path]
            self.log.append(("delete", path))


class FoldersFileSystem(ObjectsFileSystem):
    """A file system with folders, which are there on their own and must be made."""

    held: ClassVar[dict[str, tuple[bytes, float]]] = {}
    log: ClassVar[list[tuple[str, str]]] = []
    folders: ClassVar[set[str]] = {"folders://host"}

    @classmethod
    def scheme(cls) -> str:
        return "folders"

    @classmethod
    def reset(cls) -> None:
        super().reset()
        cls.folders.clear()
        cls.folders.add("folders://host")

    def has_dirs(self) -> bool:
        return True

    def mkdirs(self, path: str) -> None:
        if path in self.folders:
            raise BeamIOError(f"{path} is there already")
        while path not in self.folders:
            self.folders.add(path)
            path = path.rpartition("/")[0]

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        if dir_or_prefix not in self.folders:
            raise BeamIOError(f"{dir_or_prefix} is no folder")
        for path in sorted({*self.held, *self.folders}):
            if path.rpartition("/")[0] == dir_or_prefix:
                yield self.metadata(path)

    def create(self, path: str, *_: Any, **__: Any) -> Any:
        if path.rpartition("/")[0] not in self.folders:
            raise BeamIOError(f"no folder for {path}")
        if path in self.folders:
            raise BeamIOError(f"{path} is a folder")
        return super().create(path)

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            for path in [each for each in self.held if f"{each}/".startswith(f"{source}/")]:
                self.held[target + path[len(source) :]] = self.held.pop(path)
            for path in [each for each in self.folders if f"{each}/".startswith(f"{source}/")]:
                self.folders.remove(path)
                self.folders.add(target + path[len(source) :])

    def exists(self, path: str) -> bool:
        return path in self.held or path in self.folders

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, 0, 1.0) if path in self.folders else super().metadata(path)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            for found in [each for each in self.held if f"{each}/".startswith(f"{path}/")]:
                super().delete([found])
            self.folders.difference_update(
                [each for each in self.folders if f"{each}/".startswith(f"{path}/")]
            )


send_to_beam("objects", "folders")
