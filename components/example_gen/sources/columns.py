"""Which of a file's columns are wanted, by name."""

import difflib
from collections.abc import Mapping, Sequence

from rankbeam.transform.errors import DataError

Wanted = Mapping[str, str]
"""Column name to what wants it, as a person would say it: the split, a label, a feature."""


def check_columns(path: str, held: Sequence[str], wanted: Wanted) -> None:
    """Check that each wanted column is held once.

    Raises:
        DataError: One is missing (the nearest name is suggested), or held several times.
    """
    for name, wanter in wanted.items():
        if held.count(name) > 1:
            raise DataError(
                f"{path} must hold column {name!r} (wanted by {wanter}) once; "
                f"got {held.count(name)} columns of that name"
            )
        if name not in held:
            raise missing_column(path, held, name, wanter)


def missing_column(path: str, held: Sequence[str], name: str, wanter: str) -> DataError:
    """The error of a column that is not there."""
    near = difflib.get_close_matches(name, held, n=1)
    hint = f"nearest is {near[0]!r}" if near else f"it holds {_few(held)}"
    return DataError(f"{path} must hold column {name!r} (wanted by {wanter}); {hint}")


def _few(names: Sequence[str], limit: int = 20) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")
