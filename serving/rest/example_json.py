"""The `:classify` and `:regress` requests: `examples` and `context` to tf.Examples.

A feature's type is that of its values as JSON: `1` is an integer and `1.0` a decimal, true and
false are the integers 1 and 0. All values of one feature must be of one type.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from rankbeam.serving import status
from rankbeam.serving.rest import documents
from rankbeam.serving.rest.tensor_json import from_base64, is_base64, lone_surrogate

_MAX_INT64, _MIN_INT64, _MAX_UINT64 = 2**63 - 1, -(2**63), 2**64 - 1


def fill_input(document: Mapping[str, Any], target: input_pb2.Input) -> None:
    """Writes the document's examples, with the context if there is one, into a request's input.

    Raises:
        status.Refusal: INVALID_ARGUMENT where the document does not hold examples.
    """
    if "context" in document:
        fill_example(document["context"], target.example_list_with_context.context)
    examples = document.get("examples")
    if "examples" not in document:
        rule = "When method is classify, key 'examples' is expected and was not found"
        raise status.invalid_argument(f"JSON Value: {documents.shown(document)} {rule}")
    if not isinstance(examples, list):
        rule = "Expecting 'examples' value to be an list/array"
        raise status.invalid_argument(f"JSON Value: {documents.shown(document)} {rule}")
    if not examples:
        rule = "'examples' value is an empty array"
        raise status.invalid_argument(f"JSON Value: {documents.shown(document)} {rule}")
    listed = target.example_list_with_context if "context" in document else target.example_list
    for example in examples:
        fill_example(example, listed.examples.add())


def fill_example(value: object, target: tf.train.Example) -> None:
    """Writes one JSON object into a tf.Example; raises as `fill_input`."""
    if not isinstance(value, dict):
        raise status.invalid_argument(
            f"Example must be JSON object but got JSON {documents.kind(value)}"
        )
    try:
        for name, content in value.items():
            values = content if isinstance(content, list) else [content]
            _fill_feature(name, values, target.features.feature[name])
    except UnicodeEncodeError:
        raise lone_surrogate() from None


def _fill_feature(name: str, values: list[Any], target: tf.train.Feature) -> None:
    converted = [_converted(name, value) for value in values]
    kinds = [field for field, _ in converted]
    if not kinds:
        return
    if len(set(kinds)) > 1:
        # The message calls the type of the values before the odd one the expected one.
        raise status.invalid_argument(
            f"Unexpected element type in feature: {name} expecting type: "
            f"{kinds[0].removesuffix('_list')}"
        )
    getattr(target, kinds[0]).value.extend(value for _, value in converted)


def _converted(name: str, value: object) -> tuple[str, Any]:
    """A value's field in tf.train.Feature, and itself as that field holds it."""
    if isinstance(value, str):
        return "bytes_list", value.encode()
    if isinstance(value, bool):
        return "int64_list", int(value)
    if isinstance(value, float):
        if not isinstance(value, documents.NonFinite) and value in {float("inf"), -float("inf")}:
            raise documents.too_big()
        return "float_list", value
    if isinstance(value, int):
        return _integer(name, value)
    if isinstance(value, dict) and is_base64(value):
        return "bytes_list", from_base64(value)
    raise status.invalid_argument(
        f"Feature: {name} has element with unexpected JSON type: {documents.kind(value)}"
    )


def _integer(name: str, value: int) -> tuple[str, Any]:
    if _MIN_INT64 <= value <= _MAX_INT64:
        return "int64_list", value
    if 0 <= value <= _MAX_UINT64:
        raise status.invalid_argument(
            f"Feature: {name} has uint64_t element. Only int64_t is supported."
        )
    try:
        return "float_list", float(value)
    except OverflowError:
        raise documents.too_big() from None
