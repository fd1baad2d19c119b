"""Uploads: in one request, of content alone or with its metadata, and resumable ones."""

import email
import email.policy
import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.gcs.exchange import Answer, Request, json_answer, refuse
from tests.gcs.store import Store, Stored

_GRAIN_BYTES = 256 << 10
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class _Session:
    """A resumable upload; `content` is what has arrived, `done` the object once that is all."""

    bucket: str
    name: str
    kind: str | None
    query: dict[str, str]
    length: int | None
    metadata: dict[str, Any]
    content: bytes = b""
    done: Stored | None = None


class Uploads:
    """Writes objects.

    Args:
        store: Where to.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, _Session] = {}
        self._ids = itertools.count(1)

    def unfinished(self, bucket: str) -> list[str]:
        """Names of objects whose resumable upload was begun, and neither finished nor given up."""
        sessions = self._sessions.values()
        return [each.name for each in sessions if each.done is None and each.bucket == bucket]

    def clear(self) -> None:
        """Forget all that was begun."""
        self._sessions.clear()

    def name(self, request: Request) -> str:
        """The object that a request is about; empty where it does not tell."""
        way = request.query.get("uploadType")
        if "upload_id" in request.query:
            session = self._sessions.get(request.query["upload_id"])
            return "" if session is None else session.name
        metadata: dict[str, Any] = {}
        if way == "multipart":
            metadata = _parts(request)[0]
        elif way == "resumable":
            metadata = json.loads(request.body or b"{}")
        return request.query.get("name") or metadata.get("name", "")

    def answer(self, request: Request, bucket: str) -> Answer:
        """Answer a request for `/upload/storage/v1/b/BUCKET/o`."""
        self._store.bucket(bucket)
        if "upload_id" in request.query:
            return self._go_on(request)
        way = request.query.get("uploadType")
        if request.method != "POST" or way not in {"media", "multipart", "resumable"}:
            refuse(400, f"Unknown way to upload: {request.method} {way}")
        if way == "resumable":
            return self._begin(request, bucket)
        metadata, content, kind = (
            _parts(request) if way == "multipart" else ({}, request.body, None)
        )
        name = self.name(request)
        self._store.check(bucket, name, request.query)
        return json_answer(self._put(bucket, name, content, kind, metadata).resource())

    def _put(
        self, bucket: str, name: str, content: bytes, kind: str | None, metadata: dict[str, Any]
    ) -> Stored:
        seen = Stored(bucket, name, content, 0, 0.0, "")
        for field, found in (("crc32c", seen.crc32c), ("md5Hash", seen.md5)):
            if metadata.get(field, found) != found:
                refuse(400, f"Provided {field} {metadata[field]} does not match {found}.")
        return self._store.put(bucket, name, content, metadata.get("contentType") or kind)

    def _begin(self, request: Request, bucket: str) -> Answer:
        metadata = json.loads(request.body or b"{}")
        name = self.name(request)
        self._store.check(bucket, name, request.query)
        length = request.headers.get("x-upload-content-length")
        identity = f"upload-{next(self._ids)}"
        self._sessions[identity] = _Session(
            bucket,
            name,
            request.headers.get("x-upload-content-type"),
            dict(request.query),
            None if length is None else int(length),
            metadata,
        )
        place = f"{request.origin}/upload/storage/v1/b/{bucket}/o"
        return Answer(200, b"", {"Location": f"{place}?uploadType=resumable&upload_id={identity}"})

    def _go_on(self, request: Request) -> Answer:
        session = self._sessions.get(request.query["upload_id"])
        if session is None:
            refuse(404, "Not Found")
        if request.method == "DELETE":
            del self._sessions[request.query["upload_id"]]
            return Answer(499)
        if request.method != "PUT":
            refuse(400, f"Unknown method: {request.method}")
        if session.done is not None:
            return json_answer(session.done.resource())
        total = _take(session, request)
        if total is None or len(session.content) < total:
            arrived = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
            return Answer(308, b"", arrived)
        if session.length not in {None, total}:
            refuse(400, f"The upload must have {session.length} bytes; got {total}")
        self._store.check(session.bucket, session.name, session.query)
        session.done = self._put(
            session.bucket, session.name, session.content, session.kind, session.metadata
        )
        return json_answer(session.done.resource())


def _take(session: _Session, request: Request) -> int | None:
    """Add what a request brings; the size of the whole, where it tells."""
    told = request.headers.get("content-range")
    if told is None:
        session.content = request.body
        return len(request.body)
    match = _RANGE.fullmatch(told)
    if match is None:
        refuse(400, f"Failed to parse Content-Range header: {told}")
    first, last, total = match.groups()
    if first is None:  # asks how far it is, or says that this was all
        return None if total == "*" else int(total)
    if int(first) != len(session.content):
        refuse(503, f"Invalid request: offset {first}, but {len(session.content)} bytes arrived.")
    if len(request.body) != int(last) + 1 - int(first):
        refuse(400, f"{told} does not fit a body of {len(request.body)} bytes")
    if total == "*" and len(request.body) % _GRAIN_BYTES:
        refuse(400, f"{len(request.body)} bytes are no multiple of 256 KiB, nor the last")
    session.content += request.body
    return None if total == "*" else int(total)


def _parts(request: Request) -> tuple[dict[str, Any], bytes, str]:
    """Metadata, content and MIME type of a request with both."""
    kind = request.headers.get("content-type", "")
    match = re.search(r'boundary="?([^";]+)"?', kind)
    if match is None:
        refuse(400, f"No boundary: {kind}")
    mark = b"--" + match[1].encode()
    # Not by a parser of mail, which takes line ends of the content for its own.
    _, first, second, _ = request.body.split(mark)
    head, content = (part[2:-2].split(b"\r\n\r\n", 1) for part in (first, second))
    told = email.message_from_bytes(content[0] + b"\r\n\r\n", policy=email.policy.HTTP)
    return json.loads(head[1]), content[1], told.get_content_type()
