"""What a runner tells about its nodes, and to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

NodeState = Literal["done", "cached", "failed"]
Artifacts = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class NodeResult:
    """How one node ended.

    Attributes:
        node: Its id in the pipeline.
        kind: Its component's class name.
        state: `cached` where an earlier run's outputs were taken.
        seconds: Wall time.
        outputs: TFX artifacts by output name; empty where it failed.
    """

    node: str
    kind: str
    state: NodeState
    seconds: float
    outputs: Artifacts = field(default_factory=dict)


class Observer(Protocol):
    """Is told of every node as it starts and ends."""

    def started(self, node: str) -> None:
        """Node `node` begins."""

    def ended(self, result: NodeResult) -> None:
        """A node has ended, well or not."""
