"""Requests, answers and refusals, as Google Cloud Storage words them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

_KNOWN = {
    *("alt", "fields", "prettyPrint", "projection"),
    *("delimiter", "maxResults", "pageToken", "prefix"),
    *("generation", "ifGenerationMatch", "ifGenerationNotMatch"),
    *("ifSourceGenerationMatch", "sourceGeneration", "rewriteToken"),
    *("name", "uploadType", "upload_id"),
}
_REASONS = {
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    503: "backendError",
}


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        method: Its method.
        parts: The path's parts; a slash within a name was quoted, and is no longer.
        query: Its parameters.
        headers: Its headers, by names in lower case.
        body: Its body.
        origin: Scheme and host that it was sent to.
    """

    method: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return "/" + "/".join(self.parts)


@dataclass(frozen=True)
class Answer:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An answer that is an error.

    Args:
        status: HTTP's code.
        message: Why.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self, api: str) -> Answer:
        """The error as the API `json`, `media` or `xml` words it."""
        message = str(self)
        if api == "json":
            one = {"message": message, "domain": "global", "reason": _REASONS[self.status]}
            error = {"code": self.status, "message": message, "errors": [one]}
            return json_answer({"error": error}, self.status)
        if api == "media":
            return Answer(self.status, message.encode(), {"Content-Type": "text/html"})
        code = {401: "AccessDenied", 403: "AccessDenied", 404: "NoSuchKey"}.get(self.status, "Bad")
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        content = {"Content-Type": "application/xml; charset=UTF-8"}
        return Answer(
            self.status, f"<?xml version='1.0' encoding='UTF-8'?>{text}".encode(), content
        )


def refuse(status: int, message: str) -> NoReturn:
    """Answer with an error."""
    raise Refusal(status, message)


def json_answer(document: Any, status: int = 200) -> Answer:
    """An answer of JSON."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    return Answer(status, json.dumps(document, indent=2).encode(), headers)


def parse(method: str, url: str, headers: Mapping[str, str], body: bytes, origin: str) -> Request:
    """A request; a parameter that this server does not know is an error, not passed over."""
    split = urlsplit(url)
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    parts = tuple(unquote(part) for part in split.path.lstrip("/").split("/"))
    lower = {name.lower(): value for name, value in headers.items()}
    request = Request(method, parts, query, lower, body, origin)
    if unknown := query.keys() - _KNOWN:
        refuse(400, f"Unknown parameters: {sorted(unknown)}")
    return request
