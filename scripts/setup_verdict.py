"""Whose fault it is that `make setup` failed: the machine's and the network's, or the project's.

Runs on any Python 3.8+, before anything is installed.
"""

from __future__ import annotations

import re
import signal

# Words of uv, pip and compilers where the network, the registry, the proxy, the disk or the memory
# is to blame. A 404 or an unfitting lock is the project's.
_MACHINE = re.compile(
    r"error sending request|error decoding response body|end of file before message length"
    r"|connection closed before message|request or response body error|IncompleteRead"
    r"|failed to lookup address|failure in name resolution|dns error"
    r"|failed to establish a new connection|connection (refused|reset|timed out)|read timed out"
    r"|operation timed out|network is unreachable|no route to host"
    r"|tunnel error|tunnel connection failed|cannot connect to proxy|proxy auth|ProxyError"
    r"|invalid peer certificate|certificate_verify_failed"
    r"|HTTP (status|error) .*\b(403|407|408|429|5\d\d)\b"
    r"|\b(403|407|408|429|5\d\d) (client|server) error"
    # What pip says of an index that does not answer.
    r"|\(from versions: none\)"
    r"|no space left on device|disk quota exceeded|read-only file system|input/output error"
    r"|too many open files"
    # Compilers and uv where the kernel takes processes for want of memory.
    r"|cannot allocate memory|memory allocation of \d+ bytes failed|MemoryError"
    r"|\bkilled signal\b|internal compiler error: killed|resource temporarily unavailable",
    re.IGNORECASE,
)
# Where an error begins: uv's, pip's and this project's scripts'. What follows belongs to it. Of
# pip's two lines the first says what was found.
_BEGINS = re.compile(
    r"(?!ERROR: No matching)(error|fatal|bootstrap_uv|choose_python|working_python)\b|\s{0,2}×",
    re.IGNORECASE,
)
_MAKES = re.compile(r"make(\[\d+\])?: ")
# Of others than the project: a user, a supervisor, the kernel that lacks memory, a file's limit.
_SENT = (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGBUS)
_ENDED = re.compile(
    r"make(\[\d+\])?: \*\*\* .*(Killed|Terminated|Hangup|Interrupt|Bus error|Error ("
    + "|".join(str(128 + number) for number in _SENT)
    + r"))\s*$"
)


def machine_fault(said: list[str], code: int) -> str | None:
    """What of the machine or the network made `make setup` fail, in one line.

    Only the last error counts: what was said before it may have been tried again with success.

    Args:
      said: the lines of its output.
      code: its exit code; of one that a signal ended, 128 and the signal's number, or less than 0.

    Returns:
      None where the project is to blame, or nobody knows.
    """
    ended = code - 128 if code > 128 else -code
    if ended in _SENT:
        return f"it was ended by {signal.Signals(ended).name}"
    lines = [line.rstrip() for line in said if line.strip()]
    for line in lines:
        if _ENDED.match(line):
            return f"a program of it was ended by a signal ({line})"
    found = next((line for line in _last_error(lines) if _MACHINE.search(line)), None)
    return found.strip() if found is not None else None


def _last_error(lines: list[str]) -> list[str]:
    """The last error, with what follows it; nothing where none is told."""
    lines = [line for line in lines if not _MAKES.match(line)]
    begins = [place for place, line in enumerate(lines) if _BEGINS.match(line)]
    return lines[begins[-1] :] if begins else []
