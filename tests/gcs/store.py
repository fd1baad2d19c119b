"""Buckets and their objects, in memory."""

import base64
import hashlib
import itertools
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import google_crc32c

from tests.gcs.exchange import refuse

_KIND = "application/octet-stream"


@dataclass(frozen=True)
class Stored:
    """An object.

    Attributes:
        bucket: Its bucket.
        name: Its name there.
        content: What it holds.
        generation: Which of the objects of that name it is; larger is later.
        written: When it was written, in seconds since 1970.
        kind: Its MIME type.
    """

    bucket: str
    name: str
    content: bytes
    generation: int
    written: float
    kind: str

    @property
    def crc32c(self) -> str:
        """Its checksum, as headers and JSON have it."""
        return base64.b64encode(struct.pack(">I", google_crc32c.value(self.content))).decode()

    @property
    def md5(self) -> str:
        """Its digest, as headers and JSON have it."""
        return base64.b64encode(hashlib.md5(self.content).digest()).decode()

    def resource(self) -> dict[str, Any]:
        """What the JSON API tells of it."""
        written = datetime.fromtimestamp(self.written, timezone.utc)
        time_ = written.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.kind,
            "storageClass": "STANDARD",
            "size": str(len(self.content)),
            "md5Hash": self.md5,
            "crc32c": self.crc32c,
            "timeCreated": time_,
            "updated": time_,
        }


class Store:
    """All buckets.

    Attributes:
        lock: Held while a request is answered.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._buckets: dict[str, dict[str, Stored]] = {}
        self._generations = itertools.count(time.time_ns() // 1000)

    def create(self, name: str) -> None:
        """Make a bucket."""
        self._buckets[name] = {}

    def clear(self) -> None:
        """Forget all."""
        self._buckets.clear()

    def bucket(self, name: str) -> dict[str, Stored]:
        """A bucket's objects, by name."""
        if name not in self._buckets:
            refuse(404, "The specified bucket does not exist.")
        return self._buckets[name]

    def find(self, bucket: str, name: str, generation: str | None = None) -> Stored:
        """An object."""
        found = self.bucket(bucket).get(name)
        if found is None or generation not in {None, str(found.generation)}:
            refuse(404, f"No such object: {bucket}/{name}")
        return found

    def put(self, bucket: str, name: str, content: bytes, kind: str | None = None) -> Stored:
        """Write an object, whole."""
        if not name:
            refuse(400, "Required")
        made = Stored(bucket, name, content, next(self._generations), time.time(), kind or _KIND)
        self.bucket(bucket)[name] = made
        return made

    def check(self, bucket: str, name: str, query: Mapping[str, str], prefix: str = "if") -> None:
        """Check a request's preconditions on an object."""
        found = self.bucket(bucket).get(name)
        generation = str(found.generation) if found is not None else "0"
        wanted = query.get(f"{prefix}GenerationMatch", generation)
        unwanted = query.get(f"{prefix}GenerationNotMatch")
        if wanted != generation or unwanted == generation:
            refuse(412, "At least one of the pre-conditions you specified did not hold.")
