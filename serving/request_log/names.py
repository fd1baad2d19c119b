"""Names of the log's files.

::

    FOLDER/20250131/ranker-20250131T235958Z-HOST-PID-TOKEN-000007.tfrecord     finished
    FOLDER/.ranker-20250201T000001Z-HOST-PID-TOKEN-000008.tfrecord.partial     being written

A span is the UTC day of a file's records, so that `FOLDER/{SPAN}/` reads a day with ExampleGen and
`FOLDER/{YYYY}{MM}{DD}/*` with TFX's own. A partial file is outside the spans and begins with a
dot: a span appears with its first finished file, and holds nothing else.
"""

import itertools
import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SUFFIX = ".tfrecord"
_PARTIAL = f"{SUFFIX}.partial"
_MICROSECONDS = 1_000_000

# Containers share host names and process ids with those before them; the token tells them apart.
_TOKEN = os.urandom(4).hex()
_sequence = itertools.count()


@dataclass(frozen=True, slots=True)
class LogPaths:
    """Where one file is while it is written, and where it goes when it is finished."""

    partial: Path
    finished: Path


def stem_of(model: str, prefix: str = "") -> str:
    """How the names of a model's files begin; any text becomes a fitting name."""
    whole = model if prefix in {"", model} else f"{prefix}-{model}"
    quoted = quote(whole, safe="")
    # Readers of data folders ignore names that begin like this.
    return f"%{ord(quoted[0]):02X}{quoted[1:]}" if quoted[:1] in {".", "_"} else quoted


def span_of(timestamp_us: int) -> str:
    """The UTC day of a time in microseconds since 1970, such as `20250131`."""
    return time.strftime("%Y%m%d", time.gmtime(timestamp_us // _MICROSECONDS))


def new_paths(folder: Path, stem: str, timestamp_us: int) -> LogPaths:
    """Paths that nobody else has, for a file whose first record is of that time."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(timestamp_us // _MICROSECONDS))
    process = f"{quote(socket.gethostname(), safe='')}-{os.getpid()}-{_TOKEN}"
    name = f"{stem}-{moment}-{process}-{next(_sequence):06d}{SUFFIX}"
    return LogPaths(_partial(folder, name), folder / span_of(timestamp_us) / name)


def partial_files(folder: Path, stem: str) -> list[LogPaths]:
    """The partial files of a model in a folder, oldest first; none where there is no folder.

    Raises:
        OSError: The folder cannot be listed.
    """
    shape = re.compile(rf"\.({_shape(stem)})\.partial")
    if not folder.is_dir():
        return []
    matches = [shape.fullmatch(name) for name in sorted(os.listdir(folder))]
    return [
        LogPaths(folder / match[0], folder / match[2] / match[1])
        for match in matches
        if match is not None
    ]


def finished_of(folder: Path, stem: str) -> list[Path]:
    """The finished files of a model in a folder, oldest first; none where there is no folder.

    Raises:
        OSError: The folder cannot be listed.
    """
    shape, span = re.compile(_shape(stem)), re.compile(r"\d{8}")
    if not folder.is_dir():
        return []
    return [
        folder / day / name
        for day in sorted(os.listdir(folder))
        if span.fullmatch(day) and (folder / day).is_dir()
        for name in sorted(os.listdir(folder / day))
        if shape.fullmatch(name)
    ]


def _shape(stem: str) -> str:
    """A regular expression of a model's finished names, whose one group is the day."""
    moment, suffix = r"\d{8}T\d{6}Z", re.escape(SUFFIX)
    # A second moment belongs to another model, whose own name ends in what looks like the first.
    rest = rf"(?!{moment}-).+-\d+-[0-9a-f]{{8}}-\d{{6,}}{suffix}"
    return rf"{re.escape(stem)}-(?=(\d{{8}})){moment}-{rest}"


def _partial(folder: Path, name: str) -> Path:
    return folder / f".{name.removesuffix(SUFFIX)}{_PARTIAL}"
