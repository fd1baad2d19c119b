"""Reading text protos from files, with errors that name the file, the line, the rule and the value.

The format keeps no lines for its values, so a broken rule is traced to the line by the field's
name; comments and what is inside quotes do not count.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from rankbeam.serving.settings.checks import InvalidSetting
from rankbeam.transform.errors import ConfigError

_Result = TypeVar("_Result")
_NOT_CODE = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text proto that was read.

    Attributes:
        path: the file.
        text: its content.
        message: the same, parsed.
    """

    path: Path
    text: str
    message: Any

    def place(self, field: str, occurrence: int = 0) -> str:
        """`file:line` of a field's nth occurrence; the file alone where it is not written."""
        code = _NOT_CODE.sub(lambda found: " " * len(found.group()), self.text)
        found = list(re.finditer(rf"\b{re.escape(field)}\s*[:{{<]", code))
        if occurrence >= len(found):
            return str(self.path)
        line = code.count("\n", 0, found[occurrence].start()) + 1
        return f"{self.path}:{line}"

    def convert(self, convert: Callable[[Any], _Result]) -> _Result:
        """What `convert` makes of the message.

        Raises:
            ConfigError: a setting breaks a rule.
        """
        try:
            return convert(self.message)
        except InvalidSetting as error:
            place = self.place(error.field, error.occurrence)
            raise ConfigError(f"{error} ({place})") from error


def read(path: Path, kind: type[Message], setting: str) -> TextFile:
    """Reads a file.

    Args:
        path: the file.
        kind: the message it holds.
        setting: what names the file, such as a flag, for errors.

    Raises:
        ConfigError: it cannot be read, or is no such message.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{setting} must be a readable text file; got {path}: {error}") from error
    name = kind.DESCRIPTOR.full_name
    try:
        message = text_format.Parse(text, kind())
    except text_format.ParseError as error:
        line = error.GetLine()
        place = str(path) if line is None else f"{path}:{line}"
        reason = re.sub(r"^\d+:\d+ : ", "", str(error))
        raise ConfigError(
            f"{setting} must be a text proto of {name}; got {reason} ({place})"
        ) from error
    return TextFile(path, text, message)
