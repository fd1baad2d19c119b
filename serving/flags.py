"""The server's flags: `tensorflow_model_server`'s own, by name, form and default, and a few more.

A flag is written `--name=value`; a boolean one also `--name` alone; `--name value` and dashes for
underscores are accepted too. A flag that this server cannot honour is refused by name, unless its
value asks for what the server does anyway.
"""

import difflib
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rankbeam.serving.flag_table import FLAGS, Flag, Value
from rankbeam.transform.errors import ConfigError

_BY_NAME: Mapping[str, Flag] = {flag.name: flag for flag in FLAGS}
_BOOLEANS = {"true": True, "false": False}
_HELP_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Flags:
    """A command line that was read.

    Attributes:
        values: the flags that were given, by TensorFlow Serving's names.
        positional: what is no flag, in order.
    """

    values: Mapping[str, Value]
    positional: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A flag's text; its default where it was not given."""
        return str(self.values.get(name, _BY_NAME[name].default))

    def number(self, name: str) -> float:
        """A flag's number; its default where it was not given."""
        return float(self.values.get(name, _BY_NAME[name].default))

    def whole(self, name: str) -> int:
        """A flag's whole number; its default where it was not given."""
        return int(self.values.get(name, _BY_NAME[name].default))

    def on(self, name: str) -> bool:
        """Whether a flag is on; its default where it was not given."""
        return bool(self.values.get(name, _BY_NAME[name].default))


def parse(arguments: Sequence[str]) -> Flags:
    """Reads a command line; where a flag is repeated, the last one counts.

    Raises:
        ConfigError: a flag is unknown, lacks its value, has a wrong one, or cannot be honoured.
    """
    values: dict[str, Value] = {}
    positional: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        spelled, separator, text = word[2:].partition("=")
        flag = _find(spelled)
        if not separator:
            if isinstance(flag.default, bool):
                text = "true"
            elif not words or words[0].startswith("--"):
                raise ConfigError(f"--{flag.name} must have a value; got none")
            else:
                text = words.pop(0)
        values[flag.name] = _value(flag, text)
    return Flags(values, tuple(positional))


def usage() -> str:
    """All flags that can be honoured, with what they do and their defaults."""
    lines: list[str] = []
    for flag in FLAGS:
        if flag.only is not None:
            continue
        default = str(flag.default).lower() if isinstance(flag.default, bool) else str(flag.default)
        shown = f"{flag.help} Default: {default}." if default else flag.help
        lines.append(f"  --{flag.name}")
        lines += textwrap.wrap(
            shown, _HELP_WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    return "\n".join(lines)


def _find(spelled: str) -> Flag:
    name = spelled.replace("-", "_")
    if name not in _BY_NAME:
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        hint = f"; did you mean --{near[0]}?" if near else ""
        raise ConfigError(f"--{spelled} is not a flag of this server{hint}")
    return _BY_NAME[name]


def _value(flag: Flag, text: str) -> Value:
    value = _converted(flag, text)
    if flag.only is not None and value not in flag.only:
        honoured = " or ".join(_shown(allowed) for allowed in flag.only)
        rule = f"be {honoured}" if flag.only else "not be given"
        raise ConfigError(f"--{flag.name} must {rule} on this server: {flag.help}; got {text}")
    if flag.minimum is not None and float(value) < flag.minimum:
        raise ConfigError(f"--{flag.name} must be >= {flag.minimum:g}; got {text}")
    if flag.maximum is not None and float(value) > flag.maximum:
        raise ConfigError(f"--{flag.name} must be <= {flag.maximum:g}; got {text}")
    return value


def _converted(flag: Flag, text: str) -> Value:
    if isinstance(flag.default, bool):
        if text not in _BOOLEANS:
            raise ConfigError(f"--{flag.name} must be true or false; got {text!r}")
        return _BOOLEANS[text]
    if isinstance(flag.default, str):
        return text
    if isinstance(flag.default, int):
        if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
            raise ConfigError(f"--{flag.name} must be a whole number; got {text!r}")
        return int(text)
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", text, re.I | re.ASCII):
        raise ConfigError(f"--{flag.name} must be a number; got {text!r}")
    return float(text)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if value == "" else str(value)
