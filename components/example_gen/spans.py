"""{SPAN} in paths, read as TFX's driver reads it, to find its faults before a run."""

import glob
import re
from collections.abc import Callable

from rankbeam.transform.errors import ConfigError, DataError

_SPAN = re.compile(r"\{SPAN(?::([1-9]\d*))?\}")
_ANY_PLACEHOLDER = re.compile(r"\{[A-Z]+(:[^}]*)?\}")


def has_span(pattern: str) -> bool:
    """Whether the pattern has a {SPAN}."""
    return _SPAN.search(pattern) is not None


def check_placeholders(pattern: str) -> None:
    """Check that the pattern's only placeholder is one {SPAN} or {SPAN:<digits>}.

    Raises:
        ConfigError: There are several, or others.
    """
    others = _ANY_PLACEHOLDER.search(_SPAN.sub("", pattern))
    if others or len(_SPAN.findall(pattern)) > 1:
        raise ConfigError(
            f"data.source.path may hold one placeholder, {{SPAN}} or {{SPAN:<digits>}}; "
            f"got {pattern}"
        )


def any_span(pattern: str) -> str:
    """The glob that matches every span."""
    return _SPAN.sub("*", pattern)


def fill_span(pattern: str, span: int | None) -> str:
    """The pattern with its placeholder, if any, replaced by `span`."""
    if span is None:
        return pattern
    return _SPAN.sub(lambda found: str(span).zfill(int(found[1] or 0)), pattern)


def resolve_span(
    pattern: str, asked: int | None, find: Callable[[str], list[str]] = glob.glob
) -> int | None:
    """The span that the driver will read: the one asked for, else the highest.

    Args:
        pattern: Absolute glob, perhaps with a {SPAN}.
        asked: The span asked for; the latest where None.
        find: Finds what matches a glob.

    Returns:
        None where the pattern has no {SPAN}.

    Raises:
        ConfigError: Spans are padded with zeros and the placeholder does not say how wide.
        DataError: Nothing matches, something that matches is no number, or the span asked for is
            not there.
    """
    placeholder = _SPAN.search(pattern)
    if placeholder is None:
        return None
    tokens = _tokens(pattern, placeholder[1], find)
    padded = [token for token in tokens if token != str(int(token))]
    if padded and placeholder[1] is None:
        raise ConfigError(
            f"data.source.path must say how wide its spans are, as in {{SPAN:{len(padded[0])}}}, "
            f"because {padded[0]} is padded; got {pattern}"
        )
    spans = sorted({int(token) for token in tokens})
    if asked is not None and asked not in spans:
        raise DataError(
            f"the span must be one of those at {pattern}, {spans[0]} to {spans[-1]}; got {asked}"
        )
    return asked if asked is not None else spans[-1]


def _tokens(pattern: str, width: str | None, find: Callable[[str], list[str]]) -> list[str]:
    before, after = _SPAN.sub("\0", pattern).split("\0")
    span = f"(.{{{width}}})" if width else "(.*)"
    regex = re.compile(_as_regex(before) + span + _as_regex(after))
    tokens = []
    for path in sorted(find(any_span(pattern))):
        found = regex.fullmatch(path)
        token = found[1] if found else ""
        if not (token.isascii() and token.isdigit()):
            raise DataError(f"{{SPAN}} in {pattern} must stand for a number; got {path}")
        tokens.append(token)
    if not tokens:
        raise DataError(f"data.source.path must lead to files; nothing matches {any_span(pattern)}")
    return tokens


def _as_regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
