"""A worker's own words, and how they are found again in what an engine makes of them."""

import re

_MARK = "rankbeam-worker:"
_REASON_LIMIT = 300


def marked(reason: str) -> str:
    """A reason, one line, that `told` finds again."""
    return f"{_MARK} {reason} |"


def told(text: str) -> str:
    """What a worker said, out of what an engine makes of it; else the engine's own first line."""
    match = re.search(rf"{_MARK} (.*?) \|", text)
    if match is not None:
        return match[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no reason"
    # Beam begins with the job's name and id, which tell nobody anything.
    reason = lines[0].rpartition(" failed in state FAILED: ")[2]
    return reason if len(reason) <= _REASON_LIMIT else f"{reason[: _REASON_LIMIT - 3]}..."
