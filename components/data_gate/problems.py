"""Findings of the gate: how severe, what they say, and how many are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

MAX_SHOWN = 10  # problems in a message
MAX_LISTED = 10  # values in a problem


class Severity(IntEnum):
    """Order in which problems are listed; lower is more severe."""

    UNCHECKED = 0  # something that must be looked at cannot be
    EMPTY = 1
    LABEL = 2
    FUNNEL = 3
    CONSTANT = 4
    NULL = 5
    ANOMALY = 6


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        severity: Its rank.
        text: What was expected and what was seen, beginning with the split.
        column: The column at fault; None where it is the split.
    """

    severity: Severity
    text: str
    column: str | None = None


def message(problems: Sequence[Problem], where: str) -> str:
    """All problems in one text, most severe first; one line where there is one problem.

    Args:
        problems: At least one.
        where: Where to look for details.

    Raises:
        ValueError: There is no problem.
    """
    if not problems:
        raise ValueError("a message needs at least one problem; got none")
    texts = [problem.text for problem in sorted(problems, key=lambda each: each.severity)]
    if len(texts) == 1:
        return f"data gate: {texts[0]} (see {where})"
    lines = [f"data gate: {len(texts)} problems (see {where})"]
    lines += [f"  {text}" for text in texts[:MAX_SHOWN]]
    if len(texts) > MAX_SHOWN:
        lines.append(f"  (+{len(texts) - MAX_SHOWN} more)")
    return "\n".join(lines)


def percent(part: float, whole: float) -> str:
    """`part` of `whole` in percent, never rounded to 0 or to 100 where it is neither."""
    share = 100.0 * part / whole
    if 0 < share < 0.01:
        return "<0.01 %"
    if 99.99 < share < 100:
        return ">99.99 %"
    return f"{share:.2f}".rstrip("0").rstrip(".") + " %"


def short_list(values: Sequence[object]) -> str:
    """The first values, comma-separated, and how many more there are."""
    shown = ", ".join(str(value) for value in values[:MAX_LISTED])
    more = len(values) - MAX_LISTED
    return f"{shown} (+{more:,} more)" if more > 0 else shown
