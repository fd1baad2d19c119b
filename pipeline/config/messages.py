"""Pydantic's findings in the three parts of a Rankbeam message: field, rule, value received."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from rankbeam.pipeline.config.document import Document, Place

# Pydantic's error type to our rule; `{...}` are filled from the error's context.
_RULES: Mapping[str, str] = {
    "greater_than": "must be > {gt}",
    "greater_than_equal": "must be >= {ge}",
    "less_than": "must be < {lt}",
    "less_than_equal": "must be <= {le}",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "literal_error": "must be one of {expected}",
    "tuple_type": "must be a list",
    "mapping_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "too_short": "must have at least {min_length} entries",
    "union_tag_invalid": "must have a kind among {expected_tags}",
    "union_tag_not_found": "must have a kind",
}


def describe(error: Mapping[str, Any], document: Document, root: type[BaseModel]) -> str:
    """One finding as `field must rule; got value (file:line)`."""
    place = written_place(error["loc"], document.value)
    field = ".".join(map(str, place)) or "config"
    where = document.where(place)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(root, place[:-1], document.value)
        return f"{field} is not a known key{_suggest(str(place[-1]), known)} ({where})"
    if kind == "missing":
        return f"{field} must be given; got nothing ({where})"
    if kind == "value_error":
        message = str(context.get("error", error["msg"]))
        prefix = "" if message.startswith(field) else f"{field}: "
        return f"{prefix}{message} ({where})"
    if kind == "union_tag_invalid":
        tag, tags = str(context["tag"]), str(context["expected_tags"])
        hint = _nearest(tag, [name.strip(" '") for name in tags.split(",")])
        return f"{field}.kind must be one of {tags}; got {tag!r}{hint} ({where})"
    rule = _RULES.get(kind)
    text = rule.format(**context) if rule is not None else f"is wrong: {error['msg']}"
    return f"{field} {text}; got {_short(error['input'])} ({where})"


def written_place(loc: Iterable[str | int], value: Any) -> Place:
    """Pydantic's location without the union tags, which stand nowhere in the file."""
    place: list[str | int] = []
    for part in loc:
        is_tag = isinstance(value, dict) and part not in value and value.get("kind") == part
        if is_tag or part == "[key]":
            continue
        place.append(part)
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            value = None
    return tuple(place)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _suggest(name: str, known: list[str]) -> str:
    hint = _nearest(name, known)
    return hint if hint else f"; known keys: {', '.join(sorted(known))}"


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _keys_at(model: type[BaseModel], place: Place, value: Any) -> list[str]:
    """Known keys of the mapping at `place`, following unions by the `kind` that is written."""
    annotation: Any = model
    for part in place:
        models = _models_in(annotation, value)
        value = value[part]
        fields = {name: field.annotation for m in models for name, field in m.model_fields.items()}
        annotation = fields[str(part)] if str(part) in fields else _item_of(annotation)
    return [name for m in _models_in(annotation, value) for name in m.model_fields]


def _models_in(annotation: Any, value: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if _is_container(annotation):
        return []
    found = [m for argument in get_args(annotation) for m in _models_in(argument, value)]
    kind = value.get("kind") if isinstance(value, dict) else None
    same_kind = [
        m for m in found if "kind" in m.model_fields and kind in _literals(m.model_fields["kind"])
    ]
    return same_kind or found


def _literals(field: Any) -> tuple[Any, ...]:
    return get_args(field.annotation)


def _is_container(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, (Mapping, tuple))


def _item_of(annotation: Any) -> Any:
    """Type of the entries of a mapping (its values) or of a list; None for anything else."""
    arguments = get_args(annotation)
    if _is_container(annotation):
        return arguments[0] if arguments[-1] is Ellipsis else arguments[-1]
    return next((item for item in map(_item_of, arguments) if item is not None), None)
