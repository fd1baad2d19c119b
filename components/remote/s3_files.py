"""S3 by Beam's client, with what Beam's S3FileSystem leaves out.

That one makes a new client of boto3 for each operation, which takes longer than most operations do;
takes a bucket that is not there for an empty one; asks again for minutes where there are no
credentials; can write no empty file; and where writing fails, leaves parts that are paid for. What
is good in it is used: its options, its reading with retries, its listing, copying and deleting.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from apache_beam.io.aws import s3io
from apache_beam.io.aws.clients.s3 import boto3_client
from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.options.pipeline_options import PipelineOptions

from rankbeam.components.remote.s3_upload import S3Upload


class S3Files:
    """Those methods of Beam's file systems that `BeamFilesystem` needs.

    It is no subclass of theirs: Beam finds its file systems by asking all subclasses for their
    scheme, and refuses two answers.

    Args:
        options: Beam's, of which S3Options count.
    """

    def __init__(self, options: PipelineOptions) -> None:
        self._shared = boto3_client.Client(options=options)
        self._reached: set[str] = set()

    @staticmethod
    def scheme() -> str:
        """What paths begin with."""
        return "s3"

    @staticmethod
    def has_dirs() -> bool:
        """Whether there are folders."""
        return False

    @staticmethod
    def translate_pattern(pattern: str) -> str:
        """A glob as a regular expression."""
        return str(FileSystem.translate_pattern(pattern))

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        return bool(self._io(path).exists(path))

    def metadata(self, path: str) -> FileMetadata:
        """Size and time of writing."""
        found = self._io(path)._status(path)
        return FileMetadata(path, found["size"], found["last_updated"])

    def open(self, path: str, **_: Any) -> BinaryIO:
        """A file to be read."""
        raw: BinaryIO = self._io(path).open(path, "rb")
        return raw

    def create(self, path: str, **_: Any) -> S3Upload:
        """A file to be written."""
        bucket, key = s3io.parse_s3_path(path)
        return S3Upload(self._io(path).client.client, bucket, key)

    def delete(self, paths: Sequence[str]) -> None:
        """Delete files; those that are not there are no error."""
        if paths:
            _check(self._io(paths[0]).delete_files(paths))

    def rename(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        """Copy files and delete the first ones."""
        pairs = list(zip(sources, targets, strict=True))
        renamed = self._io(sources[0]).rename_files(pairs)
        _check([(source, error) for source, _, error in renamed])

    def _list(self, prefix: str) -> Iterator[FileMetadata]:
        for path, (size, updated) in self._io(prefix).list_files(prefix, with_metadata=True):
            yield FileMetadata(path, size, updated)

    def _io(self, path: str) -> s3io.S3IO:
        bucket, key = s3io.parse_s3_path(path, object_optional=True)
        if bucket not in self._reached:
            self._reach(bucket, key)
        # boto3's client can be shared; what Beam's keeps of a download cannot.
        return s3io.S3IO(client=copy.copy(self._shared))

    def _reach(self, bucket: str, key: str) -> None:
        """Check once that there is such a bucket: HEAD and Beam's listing cannot tell."""
        try:
            self._shared.client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except Exception as error:
            # Who may not list may still read: the operation itself will tell.
            if _code(error) != "AccessDenied":
                raise OSError(f"s3://{bucket} must be a bucket in reach; {error}") from error
        self._reached.add(bucket)


def _code(error: Exception) -> str | None:
    response = getattr(error, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _check(results: Sequence[tuple[str, Any]]) -> None:
    for path, error in results:
        if error is not None:
            raise OSError(f"{path}: {error.message}")
