"""Writing a file to S3: in one request, or in parts where it is larger."""

from contextlib import suppress
from typing import Any

PART_BYTES = 16 << 20
"""S3 takes 10,000 parts of a file, none but the last below 5 MiB: files of up to 156 GiB."""


class S3Upload:
    """A file that is there, whole, once it is closed, and not before.

    Args:
        client: boto3's for S3.
        bucket: Where it goes.
        key: Its name there.
    """

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._waiting = bytearray()
        self._id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, content: bytes) -> None:
        """Append bytes; a full part is sent."""
        self._waiting += content
        while len(self._waiting) >= PART_BYTES:
            self._send(bytes(self._waiting[:PART_BYTES]))
            del self._waiting[:PART_BYTES]

    def close(self) -> None:
        """Send the rest; now the file is there."""
        if self._id is None:
            self._client.put_object(**self._place, Body=bytes(self._waiting))
            return
        if self._waiting:
            self._send(bytes(self._waiting))
        self._client.complete_multipart_upload(
            **self._place, UploadId=self._id, MultipartUpload={"Parts": self._parts}
        )

    def abandon(self) -> None:
        """Leave nothing: parts of a file that never comes would be kept, and paid for."""
        if self._id is not None:
            with suppress(Exception):  # what went wrong before is what to report
                self._client.abort_multipart_upload(**self._place, UploadId=self._id)

    def _send(self, content: bytes) -> None:
        if self._id is None:
            self._id = self._client.create_multipart_upload(**self._place)["UploadId"]
        number = len(self._parts) + 1
        sent = self._client.upload_part(
            **self._place, UploadId=self._id, PartNumber=number, Body=content
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
