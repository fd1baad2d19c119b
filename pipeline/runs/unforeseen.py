"""Errors that no node raised on purpose, as a user can read them."""

import errno

from rankbeam.transform.errors import EnvironmentFault, RankbeamError

# How TensorFlow, SQLite and Beam, which wrap the system's errors in text, tell of the machine.
_MACHINE_PHRASES = (
    "no space left on device",
    "database or disk is full",
    "disk quota exceeded",
    "read-only file system",
    "attempt to write a readonly database",
    "cannot allocate memory",
)
_MACHINE_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.ENOMEM,
    errno.EMFILE,
}


def readable(error: Exception) -> RankbeamError:
    """`error` itself where it was meant to be read; otherwise what can be said about it.

    A deliberate error that Beam or TFX wrapped in one of theirs is found again.
    """
    for link in _chain(error):
        if isinstance(link, RankbeamError):
            return link
    for link in _chain(error):
        text = str(link).lower()
        if isinstance(link, MemoryError) or (
            isinstance(link, OSError) and link.errno in _MACHINE_ERRORS
        ):
            return EnvironmentFault(f"the machine must let the run read and write; got {link}")
        for phrase in _MACHINE_PHRASES:
            if phrase in text:
                return EnvironmentFault(
                    f"the machine must let the run read and write; got {_line_with(phrase, link)}"
                )
    lines = str(error).strip().splitlines()
    return RankbeamError(f"unforeseen {type(error).__name__}: {lines[0] if lines else 'no text'}")


def _chain(error: BaseException) -> list[BaseException]:
    """The error, then what it was raised from, to the root."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links


def _line_with(phrase: str, error: BaseException) -> str:
    return next(line.strip() for line in str(error).splitlines() if phrase in line.lower())
