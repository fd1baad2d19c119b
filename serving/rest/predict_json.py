"""The `:predict` request: `instances` (rows) or `inputs` (columns) as tensors of a signature."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from rankbeam.serving import status
from rankbeam.serving.rest import documents
from rankbeam.serving.rest.tensor_json import (
    Dense,
    encode,
    flatten,
    is_base64,
    lone_surrogate,
    tensor,
)

Specs = Mapping[str, tf.TensorSpec]
Tensors = dict[str, tensor_pb2.TensorProto]
Document = Mapping[str, Any]


class Layout(Enum):
    """How tensors are laid out, in the request and hence in the answer."""

    ROWS = "instances"
    COLUMNS = "inputs"


def signature_name(document: Document) -> str:
    """The document's signature, "" where it names none.

    Raises:
        status.Refusal: INVALID_ARGUMENT where it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise status.invalid_argument(
            f"JSON Value: {documents.shown(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise lone_surrogate() from None
    return name


def tensors(document: Document, specs: Specs) -> tuple[Layout, Tensors]:
    """The document's tensors and how they were laid out.

    Args:
        document: the request.
        specs: the signature's inputs, at least one.

    Raises:
        status.Refusal: INVALID_ARGUMENT where the document does not hold them.
    """
    rows, columns = Layout.ROWS.value in document, Layout.COLUMNS.value in document
    if rows and columns:
        raise _misformatted(
            document,
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ",
        )
    if rows:
        instances = document[Layout.ROWS.value]
        if not isinstance(instances, list):
            raise _misformatted(document, "Expecting 'instances' to be an list/array")
        if not instances:
            raise _misformatted(document, "No values in 'instances' array")
        return Layout.ROWS, from_rows(instances, specs)
    if columns:
        return Layout.COLUMNS, from_columns(document[Layout.COLUMNS.value], specs)
    raise status.invalid_argument("Missing 'inputs' or 'instances' key")


def _misformatted(document: Document, rule: str) -> status.Refusal:
    return status.invalid_argument(f"JSON Value: {documents.shown(document)} {rule}")


def from_columns(value: object, specs: Specs) -> Tensors:
    """`inputs`: one value for the only input, or an object with one for each; raises as `tensors`.

    Keys that name no input are ignored, as in TensorFlow Serving.
    """
    if not isinstance(value, dict) or is_base64(value):
        if len(specs) > 1:
            raise status.invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(specs)): value}
    for name in specs:
        if name not in value:
            raise status.invalid_argument(f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(value[name], spec.dtype) for name, spec in specs.items()}


def from_rows(instances: list[Any], specs: Specs) -> Tensors:
    """`instances`: one value or object per row, all of one shape; raises as `tensors`.

    Whole columns are converted at once. Only where that fails, rows are looked at one by one to
    say which of them is wrong.
    """
    if _is_object(instances[0]):
        columns = _columns_of_objects(instances, specs)
    elif len(specs) > 1:
        raise status.invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    else:
        for at, item in enumerate(instances):
            if _is_object(item):
                raise status.invalid_argument(
                    f"Expecting value/list but got object at item {at} of input list"
                )
        columns = {next(iter(specs)): instances}
    try:
        return {name: tensor(columns[name], spec.dtype) for name, spec in specs.items()}
    except status.Refusal as refusal:
        raise _first_failure(columns, specs, named=_is_object(instances[0])) or refusal from None


def _is_object(item: object) -> bool:
    return isinstance(item, dict) and not is_base64(item)


def _columns_of_objects(instances: list[Any], specs: Specs) -> dict[str, list[Any]]:
    names = specs.keys()
    for at, item in enumerate(instances):
        if not _is_object(item):
            raise status.invalid_argument(
                f"Expecting object but got list at item {at} of input list"
            )
        if item.keys() == names:
            continue
        for name in item:
            if name not in specs:
                raise _in_element(
                    at,
                    status.invalid_argument(f"JSON object: does not have named input: {name}"),
                    name,
                )
        raise status.invalid_argument(
            f"Failed to process element: {at} of 'instances' list. JSON object: "
            f"{documents.shown(item)} keys must be equal to: {','.join(sorted(names))}"
        )
    return {name: [item[name] for item in instances] for name in names}


def _first_failure(
    columns: Mapping[str, list[Any]], specs: Specs, *, named: bool
) -> status.Refusal | None:
    """What TensorFlow Serving would say, which goes through the rows one by one."""
    count = len(next(iter(columns.values())))
    first: dict[str, Dense] = {}
    for at in range(count):
        for name, column in columns.items():
            try:
                dense = flatten(column[at])
                encode(dense, specs[name].dtype)
                _check_alike(dense, first.setdefault(name, dense))
            except status.Refusal as refusal:
                return _in_element(at, refusal, name if named else None)
    return None


def _check_alike(dense: Dense, first: Dense) -> None:
    if len(dense.leaves) != len(first.leaves):
        raise status.invalid_argument(
            f"Expecting tensor size: {len(first.leaves)} but got: {len(dense.leaves)}"
        )
    if dense.shape != first.shape:
        raise status.invalid_argument(
            f"Expecting shape {_shown_shape(first)} but got: {_shown_shape(dense)}"
        )


def _shown_shape(dense: Dense) -> str:
    return f"[{','.join(map(str, dense.shape))}]"


def _in_element(at: int, refusal: status.Refusal, name: str | None) -> status.Refusal:
    key = "" if name is None else f" key: {name}"
    return status.invalid_argument(
        f"Failed to process element: {at}{key} of 'instances' list. "
        f"Error: {refusal.code.name}: {refusal.message}"
    )
