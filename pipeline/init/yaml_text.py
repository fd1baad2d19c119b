"""Values and comments as YAML text."""

from collections.abc import Mapping, Sequence

import yaml

_WIDTH = 100


def scalar(value: object) -> str:
    """A value on one line, quoted where YAML needs it."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{scalar(key)}: {scalar(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    # Inside a list, so that what is safe there is safe everywhere.
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    text = yaml.safe_dump(items, default_flow_style=True, allow_unicode=True, width=float("inf"))
    text = text.strip()
    return text if isinstance(value, (list, tuple)) else text[1:-1]


def line(key: str, value: object, note: str = "", indent: int = 0) -> str:
    """`key: value  # note`, or `key:` where the value is None."""
    text = " " * indent + scalar(key) + ":" + (f" {scalar(value)}" if value is not None else "")
    return f"{text}  # {comment_text(note)}" if note else text


def wrapped(key: str, value: object, note: str, indent: int) -> list[str]:
    """`line`, or, where that is long, the note above a list of several lines."""
    whole = line(key, value, note, indent)
    if len(whole) <= _WIDTH or not isinstance(value, (list, tuple)):
        return [whole]
    inner = " " * (indent + 2)
    rows = [inner]
    for item in value:
        word = f"{scalar(item)}, "
        if len(rows[-1]) + len(word) > _WIDTH and rows[-1] != inner:
            rows.append(inner)
        rows[-1] += word
    return [
        comment(note, indent),
        f"{' ' * indent}{scalar(key)}: [",
        *(row.rstrip() for row in rows),
        " " * indent + "]",
    ]


def comment(text: str, indent: int = 0) -> str:
    """`# text`."""
    return " " * indent + f"# {comment_text(text)}"


def comment_text(text: str, limit: int = 160) -> str:
    """Text that stays on its line."""
    flat = "".join(letter if letter.isprintable() else " " for letter in text)
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def section(name: str, notes: Sequence[str], lines: Sequence[str]) -> list[str]:
    """A top-level section after a blank line, its comments first."""
    return ["", *(comment(note) for note in notes), f"{name}:", *lines]
