"""HDFS by Beam's file system, put right in what it says is there and in how it writes."""

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from apache_beam.io.filesystem import CompressionTypes, FileMetadata, FileSystem
from apache_beam.io.hadoopfilesystem import HadoopFileSystem
from apache_beam.options.pipeline_options import HadoopFileSystemOptions, PipelineOptions
from hdfs import HdfsError, InsecureClient

_IN_MEMORY_BYTES = 16 << 20
_TIMEOUTS_S = (60.0, 60.0)
"""To connect, and for each piece that is read; those of Hadoop's own client of WebHDFS."""


class HdfsFiles:
    """Those methods of Beam's file systems that `BeamFilesystem` needs.

    Beam's own says that nothing is there where the user has no right to know, fails where two make
    a folder at once, replaces no file, waits for ever for a host that hangs, and keeps in memory
    what is written faster than it is sent.

    Args:
        options: Beam's, of which HadoopFileSystemOptions count.

    Raises:
        ValueError: An option that it needs is not set.
    """

    def __init__(self, options: PipelineOptions) -> None:
        self._files = HadoopFileSystem(options)
        user = options.view_as(HadoopFileSystemOptions).hdfs_user
        url = self._files._hdfs_client.url
        self._client = InsecureClient(url, user=user, timeout=_TIMEOUTS_S)
        self._files._hdfs_client = self._client

    @staticmethod
    def scheme() -> str:
        """What paths begin with."""
        return "hdfs"

    @staticmethod
    def has_dirs() -> bool:
        """Whether there are folders."""
        return True

    @staticmethod
    def translate_pattern(pattern: str) -> str:
        """A glob as a regular expression."""
        return str(FileSystem.translate_pattern(pattern))

    def exists(self, url: str) -> bool:
        """Whether a file or folder is there."""
        return self._status(url) is not None

    def is_folder(self, url: str) -> bool:
        """Whether a folder is there."""
        status = self._status(url)
        return status is not None and status["type"] == "DIRECTORY"

    def metadata(self, url: str) -> FileMetadata:
        """Size and time of the last change."""
        status = self._status(url)
        if status is None:
            raise FileNotFoundError(f"nothing is at {url}")
        return FileMetadata(url, status["length"], status["modificationTime"] / 1000)

    def mkdirs(self, url: str) -> None:
        """Make a folder, where need be with those above it."""
        self._client.makedirs(self._path(url))

    def open(self, url: str, **_: Any) -> BinaryIO:
        """A file to be read."""
        raw: BinaryIO = self._files.open(url, compression_type=CompressionTypes.UNCOMPRESSED)
        return raw

    def create(self, url: str, **_: Any) -> "HdfsUpload":
        """A file to be written."""
        return HdfsUpload(self._client, self._path(url))

    def delete(self, urls: Sequence[str]) -> None:
        """Delete files, and folders with all that is in them."""
        self._files.delete(urls)

    def rename(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        """Rename files or folders."""
        self._files.rename(sources, targets)

    def _list(self, url: str) -> Iterator[FileMetadata]:
        found: Iterator[FileMetadata] = self._files._list(url)
        return found

    def _status(self, url: str) -> dict[str, Any] | None:
        try:
            status: dict[str, Any] = self._client.status(self._path(url))
        except HdfsError as error:
            if error.exception == "FileNotFoundException":
                return None
            raise
        return status

    def _path(self, url: str) -> str:
        _, path = self._files._parse_url(url)
        return str(path)


class HdfsUpload:
    """A file that is sent when it is closed, under another name until it is whole.

    Larger ones wait on the local disk.

    Args:
        client: WebHDFS's.
        path: Where it goes; what is there is replaced.
    """

    def __init__(self, client: Any, path: str) -> None:
        self._client = client
        self._path = path
        folder, _, name = path.rpartition("/")
        self._unfinished = f"{folder}/.{name}-{uuid.uuid4().hex}"
        self._waiting = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self._waiting.write(content)

    def close(self) -> None:
        """Send all; now the file is there."""
        self._waiting.seek(0)
        with self._waiting:
            self._client.write(self._unfinished, data=self._waiting)
        found = self._client.status(self._path, strict=False)
        if found is not None:
            if found["type"] == "DIRECTORY":
                raise HdfsError(f"{self._path} is a directory")
            self._client.delete(self._path)
        self._client.rename(self._unfinished, self._path)

    def abandon(self) -> None:
        """Leave nothing but what was there before."""
        self._waiting.close()
        with suppress(Exception):  # what went wrong before is what to report
            self._client.delete(self._unfinished)
