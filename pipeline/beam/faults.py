"""Deliberate errors that were raised on a worker, out of the text that an engine makes of them."""

import re

from rankbeam.transform.errors import (
    ConfigError,
    DataError,
    EnvironmentFault,
    GateError,
    RankbeamError,
)

# A traceback's last line; Beam puts the stage behind it, and engines begin their own lines.
_TOLD = re.compile(
    r"rankbeam\.transform\.errors\.(?P<name>\w+): (?P<text>.*?)"
    r"(?= \[while running|\n(?:Traceback|\s*at |Caused by|[\w.]+(?:Error|Exception)\b)|\n\n|\Z)",
    re.DOTALL,
)
_KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, GateError, EnvironmentFault)}
_LOST = ("failed to connect to all addresses", "Socket closed", "Connection reset by peer")


def raised_on_worker(error: BaseException) -> RankbeamError | None:
    """What `error` says of a worker or an engine; None where it says neither.

    Beam's own runner raises a worker's errors as they are; a job service hands over their text.
    """
    text = str(error)
    for match in _TOLD.finditer(text):
        kind = _KINDS.get(match["name"])
        if kind is not None:
            return kind(match["text"].strip())
    if type(error).__module__.startswith("grpc") and any(words in text for words in _LOST):
        return EnvironmentFault(
            "the Beam engine must stay up while a run goes on; it stopped answering "
            "(rankbeam engine status)"
        )
    return None
