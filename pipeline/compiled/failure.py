"""Finds the error that was meant to be read in what a process printed before it failed."""

import re

from rankbeam.transform.errors import (
    ConfigError,
    DataError,
    EnvironmentFault,
    GateError,
    RankbeamError,
)

_KINDS = (RankbeamError, ConfigError, DataError, GateError, EnvironmentFault)
_BY_CODE = {kind.exit_code: kind for kind in _KINDS}
_BY_NAME = {kind.__name__: kind for kind in _KINDS}
# A node's own last words, and how Kubeflow's launcher tells of its exit code after them.
_SAID = re.compile(r"^error: (?P<text>.*)")
_STATUS = re.compile(r"\bexit status (\d+)")
# The last line of a traceback: the exception's qualified class, then its message.
_RAISED = re.compile(r"^rankbeam\.[\w.]*?(?P<name>[A-Za-z_]\w*)(?:: (?P<text>.*))?$")
# What may follow a message that has several lines: an empty line, a further traceback, a log line.
_AFTER = re.compile(r"^(\s*$|Traceback |[IWEF]\d{4} |\d{4}-\d\d-\d\d|time=|\[while running )")


def deliberate(printed: str, exit_code: int | None = None) -> RankbeamError | None:
    """The last error of Rankbeam's tree that a process printed; None where it printed none.

    An error that was raised from another comes after it, so the last one counts.

    Args:
        printed: What it printed, to both streams.
        exit_code: How it ended; taken from a launcher's words in `printed` where None.
    """
    lines = printed.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        raised, said = _RAISED.match(lines[number]), _SAID.match(lines[number])
        following = lines[number + 1 :]
        if raised is not None and raised["name"] in _BY_NAME:
            return _BY_NAME[raised["name"]](_message(raised["text"] or "", following))
        if said is not None:
            code = exit_code if exit_code is not None else _status("\n".join(following))
            return _BY_CODE.get(code, RankbeamError)(_message(said["text"], following))
    return None


def last_words(printed: str) -> str:
    """The last line that names an exception, else the last line that says anything."""
    spoken = [line.strip() for line in printed.splitlines() if line.strip()]
    if not spoken:
        return "nothing was printed"
    raised = [line for line in spoken if re.match(r"^[\w.]*(Error|Exception|Interrupt)\b", line)]
    return raised[-1] if raised else spoken[-1]


def _status(text: str) -> int:
    found = _STATUS.search(text)
    return int(found[1]) if found is not None else RankbeamError.exit_code


def _message(first: str, following: list[str]) -> str:
    message = [first]
    for line in following:
        if _AFTER.match(line):
            break
        message.append(line)
    return "\n".join(message)
