"""A task's outputs as those who read nodes' results know them from TFX."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from rankbeam.pipeline.compiled.state import Made


@dataclass(frozen=True)
class ReportedArtifact:
    """An artifact that a task's report tells of, with TFX's names for its parts.

    Attributes:
        id: Its number in the run.
        uri: Where it is.
        properties: What the task said of it.
    """

    id: str
    uri: str
    properties: Mapping[str, Any]

    @property
    def split_names(self) -> str:
        """Names of its splits, as a JSON list."""
        return str(self.properties.get("split_names", "[]"))

    def get_string_custom_property(self, name: str) -> str:
        """A property as text; empty where it has none."""
        value = self.properties.get(name, "")
        return value if isinstance(value, str) else ""

    def get_int_custom_property(self, name: str) -> int:
        """A property as a whole number; 0 where it has none."""
        value = self.properties.get(name, 0)
        return int(value) if isinstance(value, float | int) else 0


def reported(made: Made) -> dict[str, list[ReportedArtifact]]:
    """What a task has made, by output name."""
    return {
        name: [
            ReportedArtifact(each.name, each.uri, json_format.MessageToDict(each.metadata))
            for each in listed.artifacts
        ]
        for name, listed in made.artifacts.items()
    }
