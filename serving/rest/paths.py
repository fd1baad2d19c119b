"""The paths of TensorFlow Serving's REST API and what they ask for."""

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from tensorflow_serving.apis import model_pb2

from rankbeam.serving import status
from rankbeam.serving.versions import MAX_VERSION

_VERSION_OR_LABEL = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_INFERENCE = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_VERSION_OR_LABEL}:(?P<what>classify|regress|predict)",
    re.IGNORECASE,
)
_INFORMATION = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION_OR_LABEL}(?:/(?P<what>metadata))?", re.IGNORECASE
)


class What(Enum):
    """The six things that can be asked of a model; the value is the label of metrics."""

    PREDICT = "predict"
    CLASSIFY = "classify"
    REGRESS = "regress"
    METADATA = "metadata"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about.

    Attributes:
        what: the operation.
        model: name and version or label.
    """

    what: What
    model: model_pb2.ModelSpec


def is_api(path: str) -> bool:
    """Whether a path belongs to the API at all; others do not exist."""
    return path[:4].lower() == "/v1/"


def parse(method: str, path: str) -> Target:
    """What a request line asks for.

    Args:
        method: the HTTP method.
        path: path and query, as sent: a query string is no part of the API.

    Raises:
        status.Refusal: INVALID_ARGUMENT for a path or method that the API does not have.
    """
    pattern = {"POST": _INFERENCE, "GET": _INFORMATION, "HEAD": _INFORMATION}.get(method)
    match = pattern.fullmatch(path) if pattern else None
    if match is None:
        raise status.invalid_argument(f"Malformed request: {method} {path}")
    what = What((match["what"] or What.STATUS.value).lower())
    if match["name"] is None:
        raise status.invalid_argument("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=_decoded("model name", match["name"]))
    if match["version"]:
        spec.version.value = _number(match["version"])
    if match["label"]:
        spec.version_label = _decoded("model version label", match["label"])
    return Target(what, spec)


def _decoded(what: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise status.invalid_argument(f"Failed to decode {what}:{text}") from None


def _number(text: str) -> int:
    # Long runs of digits are refused before Python would refuse to read them.
    if len(text.lstrip("0")) > len(str(MAX_VERSION)) or int(text.lstrip("0") or "0") > MAX_VERSION:
        raise status.invalid_argument(f"Failed to convert version: {text} to numeric.")
    return int(text.lstrip("0") or "0")
