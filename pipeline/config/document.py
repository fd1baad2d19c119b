"""A YAML file as plain values, with the line on which each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rankbeam.transform.errors import ConfigError

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """Parsed YAML.

    Attributes:
        file: Where it was read from.
        value: Mappings, lists and scalars.
        lines: Place of a value (keys and indices from the root) to its line, from 1.
    """

    file: Path
    value: Any
    lines: Mapping[Place, int]

    def where(self, place: Place) -> str:
        """`file:line` of a place, or of the nearest enclosing one that is written."""
        while place and place not in self.lines:
            place = place[:-1]
        return f"{self.file.name}:{self.lines.get(place, 1)}"


def read_document(file: Path) -> Document:
    """Read a YAML file.

    Raises:
        ConfigError: It cannot be read, is no YAML, has a key twice, or is no mapping.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"config file must be readable UTF-8 text; got {file}: {error}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"config file must be valid YAML; got {file}: {reason}") from None
    lines: dict[Place, int] = {}
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"config file must be a mapping of sections; got {file}")
    _note_lines(node, (), lines, file)
    return Document(file, yaml.safe_load(text), lines)


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], file: Path) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*place, index), lines, file)
    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value_node in node.value:
        key = yaml.safe_load(yaml.serialize(key_node))
        child = (*place, key)
        line = key_node.start_mark.line + 1
        if child in lines:
            dotted = ".".join(map(str, child))
            raise ConfigError(
                f"{dotted} must be given once; got it again ({file.name}:{line}, first on line "
                f"{lines[child]})"
            )
        lines[child] = line
        _note_lines(value_node, child, lines, file)
