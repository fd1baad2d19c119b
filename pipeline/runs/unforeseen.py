"""Errors that no node raised on purpose, as a user can read them."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rankbeam.pipeline.beam.faults import raised_on_worker
from rankbeam.transform.errors import EnvironmentFault, RankbeamError


@dataclass(frozen=True)
class _Fault:
    """A kind of fault of the machine.

    Attributes:
        rule: What must hold, for the message.
        numbers: The system's own, where its error reaches us.
        phrases: How TensorFlow, SQLite and Beam, which wrap it in text, tell of it.
    """

    rule: str
    numbers: frozenset[int]
    phrases: tuple[str, ...]


_FULL_DISK = _Fault(
    "the run's disks must have room",
    frozenset({errno.ENOSPC, errno.EDQUOT}),
    (
        "no space left on device",
        "database or disk is full",
        "disk quota exceeded",
        # SQLite took the transaction back by itself, as it does on a disk that is full or fails;
        # ML Metadata then hides why.
        "no transaction is active",
    ),
)
_MEMORY = _Fault(
    "the machine must have memory enough",
    frozenset({errno.ENOMEM}),
    ("cannot allocate memory",),
)
_ACCESS = _Fault(
    "the machine must let the run read and write",
    frozenset({errno.EROFS, errno.EACCES, errno.EMFILE}),
    ("read-only file system", "attempt to write a readonly database"),
)


def readable(error: Exception, folder: Path) -> RankbeamError:
    """`error` itself where it was meant to be read; otherwise what can be said about it.

    A deliberate error that Beam or TFX wrapped in one of theirs is found again, also where a
    distributed engine hands over nothing but its text.

    Args:
        error: What ended the run.
        folder: The run's output folder; where a disk is full, its free space is told.
    """
    for link in _chain(error):
        if isinstance(link, RankbeamError):
            return link
    for link in _chain(error):
        remote = raised_on_worker(link)
        if remote is not None:
            return remote
    for link in _chain(error):
        for fault in (_FULL_DISK, _MEMORY, _ACCESS):
            told = _told(link, fault)
            if told is not None:
                room = f" ({_room(folder)})" if fault is _FULL_DISK else ""
                return EnvironmentFault(f"{fault.rule}; got {told}{room}")
    lines = str(error).strip().splitlines()
    return RankbeamError(f"unforeseen {type(error).__name__}: {lines[0] if lines else 'no text'}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it was raised from, to the root."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        yield link
        seen.append(link)
        link = link.__cause__ or link.__context__


def _told(error: BaseException, fault: _Fault) -> str | None:
    """The words of `error` about `fault`; None where it tells of none."""
    if isinstance(error, MemoryError) and fault is _MEMORY:
        return str(error) or "MemoryError"
    if isinstance(error, OSError) and error.errno in fault.numbers:
        return str(error)
    for line in str(error).splitlines():
        if any(phrase in line.lower() for phrase in fault.phrases):
            return line.strip()
    return None


def _room(folder: Path) -> str:
    places = (folder, Path(tempfile.gettempdir()))
    return ", ".join(
        f"{shutil.disk_usage(place).free / 1e6:,.1f} MB free at {place}" for place in places
    )
