"""Google Cloud Storage by Google's client, where TFX's file interface leads to TensorFlow's.

TensorFlow's own gs:// is written for artifacts that one job writes and reads. For data and pushes
it will not do: it leaves half a file where writing goes wrong, and an empty object for each folder;
takes what it saw five seconds ago for what is there; asks for a right on the whole bucket that
roles for objects do not have; knows few kinds of credentials; and tries for minutes before it says
that there is no such bucket. Beam's takes names with * or [ in them for patterns, and
sends half a file when what wrote it is forgotten.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from rankbeam.components.remote.streams import said

_CHUNK_BYTES = 16 << 20
# What is asked for often, and all that listings are read for.
_LISTED = "items(name,size,updated),nextPageToken"
_REACH_WITHIN_S = 20.0


class GcsFiles:
    """Those methods of Beam's file systems that `BeamFilesystem` needs.

    Args:
        options: Beam's, of which `--project`, `--impersonate_service_account` and `--no_auth`
            count.
    """

    def __init__(self, options: PipelineOptions) -> None:
        self._options = options
        self._made: Any = None
        self._reached: set[str] = set()

    @staticmethod
    def scheme() -> str:
        """What paths begin with."""
        return "gs"

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
        bucket, name = self._reach(path)
        return bucket.get_blob(name) is not None

    def metadata(self, path: str) -> FileMetadata:
        """Size and time of writing."""
        return _facts(self._find(path))

    def open(self, path: str, **_: Any) -> BinaryIO:
        """A file to be read; where it is replaced meanwhile, what follows is not found."""
        raw: BinaryIO = self._find(path).open("rb", chunk_size=_CHUNK_BYTES)
        return raw

    def create(self, path: str, **_: Any) -> "GcsUpload":
        """A file to be written."""
        bucket, name = self._reach(path)
        return GcsUpload(bucket.blob(name, chunk_size=_CHUNK_BYTES))

    def delete(self, paths: Sequence[str]) -> None:
        """Delete files; those that are not there are no error."""
        for path in paths:
            bucket, name = self._reach(path)
            bucket.delete_blobs([name], on_error=lambda _: None, retry=_patient())

    def rename(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        """Copy files and delete the first ones."""
        for source, target in zip(sources, targets, strict=True):
            found = self._find(source)
            bucket, name = self._reach(target)
            token = None
            while True:  # large ones take several requests where buckets are in several places
                made = bucket.blob(name)
                token, _, _ = made.rewrite(found, token=token, retry=_patient())
                if token is None:
                    break
            self.delete([source])

    def _list(self, prefix: str) -> Iterator[FileMetadata]:
        bucket, name = self._reach(prefix)
        for found in self._client().list_blobs(bucket, prefix=name, fields=_LISTED):
            yield _facts(found)

    def _find(self, path: str) -> Any:
        bucket, name = self._reach(path)
        found = bucket.get_blob(name)
        if found is None:
            raise FileNotFoundError(f"nothing is at {path}")
        return found

    def _reach(self, path: str) -> tuple[Any, str]:
        """Bucket and name; of each bucket it is checked once that it is there.

        That a file is not there and that its bucket is not are the same answer.
        """
        place, _, name = path.removeprefix("gs://").partition("/")
        if not place:
            raise OSError(f"{path} must name a bucket")
        try:
            bucket = self._client().bucket(place)
            if place not in self._reached:
                self._ask(bucket)
        except Exception as error:
            raise OSError(f"gs://{place} must be a bucket in reach; {said(error)}") from error
        self._reached.add(place)
        return bucket, name

    def _ask(self, bucket: Any) -> None:
        from google.api_core.exceptions import Forbidden  # noqa: PLC0415
        from google.auth.exceptions import InvalidOperation  # noqa: PLC0415

        retry = _patient().with_timeout(_REACH_WITHIN_S)
        with suppress(Forbidden):  # who may not list may still read: the operation will tell
            found = self._client().list_blobs(bucket, max_results=1, fields=_LISTED, retry=retry)
            try:
                list(found)
            except InvalidOperation as error:  # to get a better token, where --no_auth gives none
                raise OSError("it is not open to all") from error

    def _client(self) -> Any:
        if self._made is None:
            self._made = _client(self._options.view_as(GoogleCloudOptions))
        return self._made


class GcsUpload:
    """A file that is there, whole, once it is closed, and not before.

    Larger ones wait on the local disk.

    Args:
        blob: Google's client's.
    """

    def __init__(self, blob: Any) -> None:
        self._blob = blob
        # It lives longer than this call: `close` or `abandon` ends it.
        self._waiting = tempfile.SpooledTemporaryFile(_CHUNK_BYTES)  # noqa: SIM115

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self._waiting.write(content)

    def close(self) -> None:
        """Send all; now the file is there."""
        size = self._waiting.tell()
        with self._waiting:
            self._blob.upload_from_file(
                self._waiting, rewind=True, size=size, checksum="crc32c", retry=_patient()
            )

    def abandon(self) -> None:
        """Leave nothing but what was there before."""
        self._waiting.close()


def _facts(found: Any) -> FileMetadata:
    path = f"gs://{found.bucket.name}/{found.name}"
    return FileMetadata(path, found.size, found.updated.timestamp())


def _patient() -> Any:
    """Tries again, also where the client would not: each request here may be made twice."""
    from google.cloud.storage.retry import DEFAULT_RETRY  # noqa: PLC0415

    return DEFAULT_RETRY


def _client(options: Any) -> Any:
    """Google's client; without credentials, one that reads what is open to all."""
    # Late: most runs need none of Google's clients, which take a second.
    import google.auth  # noqa: PLC0415
    from google.auth import impersonated_credentials  # noqa: PLC0415
    from google.cloud import storage  # noqa: PLC0415

    if options.no_auth:
        return storage.Client.create_anonymous_client()
    credentials, project = google.auth.default(scopes=options.gcp_oauth_scopes)
    if options.impersonate_service_account:
        *delegates, principal = options.impersonate_service_account.split(",")
        credentials = impersonated_credentials.Credentials(
            source_credentials=credentials,
            target_principal=principal,
            delegates=delegates,
            target_scopes=options.gcp_oauth_scopes,
        )
    # Reading and writing takes no project, but the client looks for one where it is told none.
    return storage.Client(options.project or project or "none", credentials)
