"""Which request is answered how: the JSON API, and what TensorFlow uses of the XML API."""

import json
import re

from tests.gcs.exchange import Answer, Request, json_answer, refuse
from tests.gcs.listing import list_page, only_fields
from tests.gcs.store import Store, Stored
from tests.gcs.uploads import Uploads

_JSON = ("storage", "v1", "b")
_MEDIA = ("download", *_JSON)
_UPLOAD = ("upload", *_JSON)
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Api:
    """Answers requests.

    Attributes:
        store: Buckets and objects.
        uploads: Resumable uploads.
        page: Most entries of a listing's page.
        in_steps: Whether a rewrite takes two requests, as between distant buckets.
    """

    def __init__(self) -> None:
        self.store = Store()
        self.uploads = Uploads(self.store)
        self.page = 1000
        self.in_steps = False

    def answer(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            Refusal: The answer is an error.
        """
        parts = request.parts
        if parts[:4] == _UPLOAD and parts[5:] == ("o",):
            return self.uploads.answer(request, parts[4])
        if parts[:4] == _MEDIA and len(parts) == 7:
            return self._media(request, parts[4], parts[6])
        if parts[:3] == _JSON:
            return self._bucket(request) if len(parts) < 6 else self._object(request)
        if request.method != "GET" or len(parts) < 2:
            refuse(400, f"Unknown request: {request.method} {request.path}")
        return self._media(request, parts[0], "/".join(parts[1:]))

    def _bucket(self, request: Request) -> Answer:
        name, below = request.parts[3], request.parts[4:]
        if request.method != "GET" or below not in {(), ("o",), ("storageLayout",)}:
            refuse(400, f"Unknown request: {request.method} {request.path}")
        self.store.bucket(name)
        if below == ("o",):
            page = list_page(self.store, name, request.query, self.page)
            return json_answer(only_fields(page, request.query.get("fields")))
        document = {"kind": "storage#bucket", "id": name, "name": name, "location": "US"}
        return json_answer(only_fields(document, request.query.get("fields")))

    def _object(self, request: Request) -> Answer:
        bucket, name, action = request.parts[3], request.parts[5], request.parts[6:]
        if action == ("compose",):
            return self._compose(request, bucket, name)
        if action:
            return self._copy(request, bucket, name)
        found = self.store.find(bucket, name, request.query.get("generation"))
        self.store.check(bucket, name, request.query)
        if request.method == "DELETE":
            del self.store.bucket(bucket)[name]
            return Answer(204)
        if request.method != "GET":
            refuse(400, f"Unknown request: {request.method} {request.path}")
        if request.query.get("alt") == "media":
            return self._media(request, bucket, name)
        return json_answer(only_fields(found.resource(), request.query.get("fields")))

    def _media(self, request: Request, bucket: str, name: str) -> Answer:
        found = self.store.find(bucket, name, request.query.get("generation"))
        self.store.check(bucket, name, request.query)
        headers = {
            "Content-Type": found.kind,
            "X-Goog-Hash": f"crc32c={found.crc32c},md5={found.md5}",
            "X-Goog-Generation": str(found.generation),
            "X-Goog-Stored-Content-Length": str(len(found.content)),
        }
        match = _RANGE.fullmatch(request.headers.get("range", ""))
        if match is None:
            return Answer(200, found.content, headers)
        first, size = int(match[1]), len(found.content)
        if first >= size:
            refuse(416, "Request range not satisfiable")
        last = min(int(match[2] or size), size - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Answer(206, found.content[first : last + 1], headers)

    def _copy(self, request: Request, bucket: str, name: str) -> Answer:
        action = request.parts[6:]
        known = request.method == "POST" and len(action) == 5 and action[1::2] == ("b", "o")
        if not known or action[0] not in {"copyTo", "rewriteTo"}:
            refuse(400, f"Unknown request: {request.method} {request.path}")
        self.store.check(bucket, name, request.query, "ifSource")
        source = self.store.find(bucket, name, request.query.get("sourceGeneration"))
        self.store.check(action[2], action[4], request.query)
        size = str(len(source.content))
        if action[0] == "rewriteTo" and self.in_steps and "rewriteToken" not in request.query:
            begun = {"totalBytesRewritten": "0", "objectSize": size, "done": False}
            return json_answer({"kind": "storage#rewriteResponse", **begun, "rewriteToken": "1"})
        made = self.store.put(action[2], action[4], source.content, source.kind).resource()
        if action[0] == "copyTo":
            return json_answer(made)
        done = {"totalBytesRewritten": size, "objectSize": size, "done": True}
        return json_answer({"kind": "storage#rewriteResponse", **done, "resource": made})

    def _compose(self, request: Request, bucket: str, name: str) -> Answer:
        # TensorFlow writes this JSON with single quotes, which Google takes.
        wanted = json.loads(request.body.decode().replace("'", '"'))
        self.store.check(bucket, name, request.query)
        sources: list[Stored] = []
        for each in wanted["sourceObjects"]:
            self.store.check(bucket, each["name"], each.get("objectPrecondition", {}))
            sources.append(self.store.find(bucket, each["name"]))
        content = b"".join(source.content for source in sources)
        return json_answer(self.store.put(bucket, name, content).resource())
