"""The judges of generated files: the schemas of Kubernetes and Compose, and a PromQL parser."""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any, Final

import jsonschema
import kubernetes_validate
import promql_parser
import yaml

# The oldest and the newest Kubernetes that the package knows.
KUBERNETES_VERSIONS: Final = ("1.25", "1.37")


def documents(text: str) -> list[dict[str, Any]]:
    """The YAML documents of a file."""
    return list(yaml.safe_load_all(text))


def of_kind(text: str, kind: str) -> dict[str, Any]:
    """The one Kubernetes object of a kind in a file."""
    (found,) = [document for document in documents(text) if document["kind"] == kind]
    return found


def check_kubernetes(document: dict[str, Any], version: str = KUBERNETES_VERSIONS[-1]) -> None:
    """Holds an object to Kubernetes' own schema, in which unknown fields are errors.

    Raises:
        kubernetes_validate.ValidationError: a field is unknown or mistyped, or one is missing.
    """
    kubernetes_validate.validate(document, version, strict=True)


def check_compose(document: dict[str, Any]) -> None:
    """Holds a Compose file to the Compose Specification's schema.

    Raises:
        jsonschema.ValidationError: it breaks the schema.
    """
    jsonschema.validate(document, _compose_schema())


@cache
def _compose_schema() -> Any:
    folder = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / "compose-spec.json").read_text(encoding="utf-8"))


def selectors(expression: Any) -> Iterator[tuple[str, set[str]]]:
    """Every metric that a parsed PromQL expression reads, with the labels that it matches."""
    if isinstance(expression, promql_parser.VectorSelector):
        assert expression.name is not None
        yield expression.name, {matcher.name for matcher in expression.matchers.matchers}
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield from selectors(expression.vector_selector)
    elif isinstance(expression, promql_parser.BinaryExpr):
        yield from selectors(expression.lhs)
        yield from selectors(expression.rhs)
    elif isinstance(expression, promql_parser.Call):
        for argument in expression.args:
            yield from selectors(argument)
    elif isinstance(expression, promql_parser.AggregateExpr | promql_parser.ParenExpr):
        yield from selectors(expression.expr)
    else:
        assert isinstance(expression, promql_parser.NumberLiteral), expression
