"""Score expressions: what they are made of, and how they are computed.

An expression is a tree of the nodes below; `rankbeam.serving.client.expression_parser` reads one
from text. Every node is one number per candidate, float64, computed for all candidates at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[np.float64]
"""(candidates,), or () where all candidates share the value."""

Scope = Literal["", "output", "candidate", "context"]
"""Where a name is looked up; empty is wherever it is known, if in one place only."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A model's output, or a field of the candidates or the context.

    Attributes:
        scope: where to look.
        name: the name there.
        position: the character of the expression's text where it stands, from 1.
    """

    scope: Scope
    name: str
    position: int

    def __str__(self) -> str:
        return f"{self.scope}.{self.name}" if self.scope else self.name


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function and what it is applied to."""

    function: str
    arguments: "tuple[Node, ...]"


Node: TypeAlias = Number | Name | Call


@dataclass(frozen=True, slots=True)
class Function:
    """What a function computes, and how many arguments it takes (None for any number more)."""

    compute: Callable[..., Any]
    least: int
    most: int | None


def _smallest(*columns: Column) -> Any:
    smallest: Any = columns[0]
    for column in columns[1:]:
        smallest = np.minimum(smallest, column)
    return smallest


def _largest(*columns: Column) -> Any:
    largest: Any = columns[0]
    for column in columns[1:]:
        largest = np.maximum(largest, column)
    return largest


def _clip(value: Column, low: Column, high: Column) -> Any:
    return np.minimum(np.maximum(value, low), high)


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.float_power,
    "negative": np.negative,
}

FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(np.abs, 1, 1),
    "clip": Function(_clip, 3, 3),
    "exp": Function(np.exp, 1, 1),
    "log": Function(np.log, 1, 1),
    "log1p": Function(np.log1p, 1, 1),
    "max": Function(_largest, 2, None),
    "min": Function(_smallest, 2, None),
    "sqrt": Function(np.sqrt, 1, 1),
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        text: as it was written, line breaks as spaces.
        root: its tree.
    """

    text: str
    root: Node

    def names(self) -> tuple[Name, ...]:
        """The names it reads, in the order in which they are written, each as often."""
        return tuple(_names(self.root))

    def compute(self, column: Callable[[Name], Column]) -> Column:
        """Its value for all candidates; not finite where the arithmetic has no finite answer.

        Args:
            column: gives the values of a name.
        """
        with np.errstate(all="ignore"):
            return np.asarray(_compute(self.root, column), np.float64)


def _names(node: Node) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from _names(argument)


def _compute(node: Node, column: Callable[[Name], Column]) -> Any:
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Name):
        return column(node)
    arguments = [_compute(argument, column) for argument in node.arguments]
    if node.function in OPERATORS:
        return OPERATORS[node.function](*arguments)
    return FUNCTIONS[node.function].compute(*arguments)
