"""From the text of a score expression to its tree.

The grammar is a part of Python's: numbers, names, `+ - * / **`, unary minus and plus, parentheses
and the functions in `expression.FUNCTIONS`. A name that is known in several places, or is no
identifier, is written `output.click`, `candidate.price`, `context["user-age"]`. Python's own parser
reads the text; what it found is translated node by node, and nothing is ever executed.
"""

import ast
import functools
import math
from typing import cast, get_args

from rankbeam.serving.client.expression import (
    FUNCTIONS,
    Call,
    Expression,
    Name,
    Node,
    Number,
    Scope,
)
from rankbeam.transform.errors import ConfigError

_LONGEST = 1000
# A sum of many terms is one level a term; Python itself would stop at a thousand.
_DEEPEST = 200
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_SCOPES = tuple(scope for scope in get_args(Scope) if scope)
_SPACES = str.maketrans("\n\r\t\f", "    ")


@functools.lru_cache(maxsize=256)
def parse(text: str, field: str = "score") -> Expression:
    """Reads an expression.

    Args:
        text: the expression.
        field: what messages call it.

    Raises:
        ConfigError: the text is no expression of this language; the message names the position,
            the rule and what stands there.
    """
    plain = text.translate(_SPACES).rstrip()
    parser = _Parser(plain, field)
    if not plain.strip():
        raise ConfigError(f"{field} must be an expression; got {text!r}")
    if len(plain) > _LONGEST:
        raise ConfigError(f"{field} must be at most {_LONGEST} characters; got {len(plain)}")
    if "\\" in plain or "\0" in plain:
        raise parser.error("hold neither backslash nor NUL", _first(plain, "\\\0"))
    # Python takes leading spaces for indentation.
    indent = len(plain) - len(plain.lstrip())
    try:
        found = ast.parse(plain[indent:], mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        offset = getattr(error, "offset", None) or 1
        raise parser.error("be an expression", min(indent + offset, len(plain))) from None
    parser.indent = indent
    return Expression(plain, parser.node(found, 0))


def _first(text: str, characters: str) -> int:
    return min(text.index(c) for c in characters if c in text) + 1


class _Parser:
    """Translates the nodes of one text."""

    def __init__(self, text: str, field: str) -> None:
        self.text = text
        self.field = field
        self.indent = 0

    def error(self, rule: str, position: int) -> ConfigError:
        got = self.text[position - 1 : position + 29]
        return ConfigError(
            f"{self.field} must {rule}; got {got!r} at character {position} of {self.text!r}"
        )

    def _position(self, node: ast.expr) -> int:
        """Python counts bytes of UTF-8; people count characters."""
        before = self.text[self.indent :].encode()[: node.col_offset]
        return self.indent + len(before.decode()) + 1

    def node(self, found: ast.expr, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.error(f"be at most {_DEEPEST} levels deep", self._position(found))
        if isinstance(found, ast.Constant):
            return self._number(found)
        if isinstance(found, ast.Name):
            return Name("", found.id, self._position(found))
        if isinstance(found, ast.Attribute | ast.Subscript):
            return self._scoped(found)
        if isinstance(found, ast.BinOp) and type(found.op) in _OPERATORS:
            sides = self.node(found.left, depth + 1), self.node(found.right, depth + 1)
            return Call(_OPERATORS[type(found.op)], sides)
        if isinstance(found, ast.UnaryOp) and isinstance(found.op, ast.USub):
            return Call("negative", (self.node(found.operand, depth + 1),))
        if isinstance(found, ast.UnaryOp) and isinstance(found.op, ast.UAdd):
            return self.node(found.operand, depth + 1)
        if isinstance(found, ast.Call):
            return self._call(found, depth)
        rule = "hold only numbers, names, + - * / **, parentheses and functions"
        raise self.error(rule, self._position(found))

    def _number(self, found: ast.Constant) -> Number:
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error("hold no constants but real numbers", self._position(found))
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.error("hold finite numbers", self._position(found))
        return Number(number)

    def _scoped(self, found: ast.Attribute | ast.Subscript) -> Name:
        scope = found.value.id if isinstance(found.value, ast.Name) else ""
        key = found.attr if isinstance(found, ast.Attribute) else _text(found.slice)
        if scope not in _SCOPES or key is None:
            written = ", ".join(f'{scope}.NAME or {scope}["NAME"]' for scope in _SCOPES)
            raise self.error(f"name a place as {written}", self._position(found))
        return Name(cast(Scope, scope), key, self._position(found))

    def _call(self, found: ast.Call, depth: int) -> Call:
        name = found.func.id if isinstance(found.func, ast.Name) else ""
        if name not in FUNCTIONS:
            raise self.error(f"call one of {', '.join(FUNCTIONS)}", self._position(found))
        function = FUNCTIONS[name]
        starred = any(isinstance(argument, ast.Starred) for argument in found.args)
        count = len(found.args)
        too_many = function.most is not None and count > function.most
        if found.keywords or starred or count < function.least or too_many:
            raise self.error(f"give {name} {_counted(name)}", self._position(found))
        return Call(name, tuple(self.node(argument, depth + 1) for argument in found.args))


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _counted(name: str) -> str:
    function = FUNCTIONS[name]
    if function.most is None:
        return f"at least {function.least} arguments"
    return "one argument" if function.most == 1 else f"{function.most} arguments"
