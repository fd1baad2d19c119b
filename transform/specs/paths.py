"""Paths of the config that cannot be URIs: where they lead, and why."""

from typing import Any

from pydantic import BeforeValidator


def local(what: str, why: str) -> BeforeValidator:
    """Refuses a URI in a field that holds a path, before the field's other rules are asked.

    Args:
        what: Where the path leads, as `a file of the machine that runs Compose`.
        why: Why it cannot lead anywhere else.
    """

    def check(path: Any) -> Any:
        if isinstance(path, str) and "://" in path:
            raise ValueError(f"must be {what} and no URI, because {why}; got {path}")
        return path

    return BeforeValidator(check)
