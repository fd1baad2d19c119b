"""Request bodies as JSON documents, with TensorFlow Serving's limits and messages.

Beyond the JSON standard, as in TensorFlow Serving: `NaN`, `Infinity` and `-Infinity` are numbers,
a byte order mark is skipped, and what follows the document is ignored. Stricter than it: bytes
that are not UTF-8 and keys that stand twice in an object are refused, since both are mistakes.
"""

import json
import re
from itertools import islice
from typing import Any

from rankbeam.serving import status

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\n\r]*")
_SHOWN_CHARACTERS = 256

# Above this the number hooks are Python functions: between their calls other threads get their
# turn, while the scanner alone would hold the interpreter for the whole document.
_POLITE_BYTES = 1 << 20

# What Python's parser says -> what TensorFlow Serving's says.
_REASONS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Expecting ',' delimiter": "Missing a comma or } or ] after a member or an element.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}


class NonFinite(float):
    """`NaN` or an infinity that was spelt out, told from a number that is too big."""


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body.

    Raises:
        status.Refusal: INVALID_ARGUMENT where it is not JSON, or JSON but no object.
    """
    if body.startswith(_BYTE_ORDER_MARK):
        body = body[len(_BYTE_ORDER_MARK) :]
    if not body or body.isspace():
        raise status.invalid_argument("JSON Parse error: The document is empty")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _parse_error("Invalid encoding in string.", error.start) from None
    document = _parse_text(text, polite=len(body) > _POLITE_BYTES)
    if not isinstance(document, dict):
        raise status.invalid_argument(f"JSON Value: {shown(document)} Is not object")
    return document


def _parse_text(text: str, *, polite: bool) -> object:
    decoder = _POLITE_DECODER if polite else _DECODER
    try:
        return decoder.raw_decode(text, _SPACE.match(text).end())[0]  # type: ignore[union-attr]
    except json.JSONDecodeError as error:
        reason = next((ours for theirs, ours in _REASONS.items() if theirs in error.msg), error.msg)
        raise _parse_error(reason, len(text[: error.pos].encode())) from None
    except RecursionError:
        raise status.invalid_argument("JSON Parse error: Nested too deeply.") from None
    except ValueError:  # Python refuses to read integers of thousands of digits
        raise too_big() from None


def _parse_error(reason: str, offset: int) -> status.Refusal:
    return status.invalid_argument(f"JSON Parse error: {reason} at offset: {offset}")


def too_big() -> status.Refusal:
    """The refusal of a number beyond double precision."""
    return status.invalid_argument("JSON Parse error: Number too big to be stored in double.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise status.invalid_argument(
            f"JSON Parse error: Key {json.dumps(twice)} stands twice in an object."
        )
    return members


def _integer(text: str) -> int:
    return int(text)


def _decimal(text: str) -> float:
    return float(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=NonFinite)
_POLITE_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=NonFinite,
    parse_int=_integer,
    parse_float=_decimal,
)


def shown(value: object) -> str:
    """A value as JSON for a message, cut where it is long; costs no more than is shown."""
    pieces: list[str] = []
    length = 0
    for piece in islice(json.JSONEncoder().iterencode(_short(value)), _SHOWN_CHARACTERS):
        pieces.append(piece)
        length += len(piece)
        if length > _SHOWN_CHARACTERS:
            break
    return "".join(pieces)[:_SHOWN_CHARACTERS]


def _short(value: object) -> object:
    """A long string is cut before it is encoded; long lists are encoded piece by piece anyway."""
    return value[:_SHOWN_CHARACTERS] if isinstance(value, str) else value


def kind(value: object) -> str:
    """A JSON value's type as messages name it."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return "String"
    if isinstance(value, list):
        return "Array"
    return "Object" if isinstance(value, dict) else "Number"
