"""Ids of the parts of a large request, which a client sends as several.

The part that begins at candidate 500 of request `abc` has the id `abc;offset=500`. All parts are
sampled alike, and outcomes are joined by the whole request's id and positions.
"""

import re

_PART = re.compile(r"(.*);offset=(0|[1-9]\d{0,8})", re.DOTALL)


def part_id(request_id: str, offset: int) -> str:
    """The id of the part that begins at a candidate of the whole request."""
    return f"{request_id};offset={offset}"


def whole_id(request_id: str) -> tuple[str, int | None]:
    """The whole request's id, and where in it a part begins; None where it is no part."""
    part = _PART.fullmatch(request_id)
    return (request_id, None) if part is None else (part[1], int(part[2]))
