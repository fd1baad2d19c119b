"""From a JSON request to serialized tf.Examples, held against each feature's type. Pure.

A request is one JSON object (feature name -> value) or a list of them. A value is a scalar, a list
of scalars, or null for a missing value; a feature that is left out is missing too.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from enum import Enum

import numpy as np
import tensorflow as tf

from rankbeam.transform.errors import DataError

_INT64 = np.iinfo(np.int64)
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class FeatureType(Enum):
    """The three lists a tf.Example can hold, and what may go into each from JSON."""

    INT = "an integer of 64 bits, or true or false"
    FLOAT = "a finite number within float32"
    BYTES = "a string of Unicode characters"


def examples_from_json(text: str, types: Mapping[str, FeatureType]) -> list[bytes]:
    """Parses a JSON request into one serialized tf.Example per object, in order.

    Raises:
        DataError: the text is not JSON, or the request breaks a rule of `examples_from_request`.
    """
    try:
        request = json.loads(text)
    except ValueError as error:
        raise DataError(f"request must be JSON; {error}") from error
    return examples_from_request(request, types)


def examples_from_request(request: object, types: Mapping[str, FeatureType]) -> list[bytes]:
    """Turns a parsed request into one serialized tf.Example per object, in order.

    The same object makes the same bytes, whatever the order of its keys.

    Raises:
        DataError: the request is neither an object nor a non-empty list of objects, names a
            feature that the model does not have, or gives one a value of another type; the
            message names the row and the feature.
    """
    rows = request if isinstance(request, list) else [request]
    if not rows:
        raise DataError("request must hold at least one object; got an empty list")
    return [_example(index, row, types) for index, row in enumerate(rows)]


def _example(index: int, row: object, types: Mapping[str, FeatureType]) -> bytes:
    if not isinstance(row, dict):
        raise DataError(
            f"request[{index}] must be an object of feature -> value; got {_shown(row)}"
        )
    example = tf.train.Example()
    for name, value in row.items():
        if name not in types:
            raise DataError(_unknown(f"request[{index}]", name, types))
        values = _values(f"request[{index}].{name}", value, types[name])
        if values:
            example.features.feature[name].CopyFrom(_feature(types[name], values))
    serialized: bytes = example.SerializeToString(deterministic=True)
    return serialized


def _unknown(where: str, name: str, types: Mapping[str, FeatureType]) -> str:
    close = difflib.get_close_matches(name, types, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(types))}"
    return f"{where} must name features of the model; got {name!r}{hint}"


def _values(where: str, value: object, kind: FeatureType) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        return [_scalar(where, value, kind)]
    return [_scalar(f"{where}[{at}]", item, kind) for at, item in enumerate(value)]


def _scalar(where: str, value: object, kind: FeatureType) -> object:
    converted = _CONVERTERS[kind](value)
    if converted is None:
        raise DataError(f"{where} must be {kind.value}; got {_shown(value)}")
    return converted


def _to_int(value: object) -> int | None:
    # True and False are integers in Python, as they are in logs.
    if not isinstance(value, int) or not _INT64.min <= value <= _INT64.max:
        return None
    return int(value)


def _to_float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not abs(value) <= _FLOAT32_MAX:  # NaN compares false with everything
        return None
    return float(value)


def _to_bytes(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return None


_CONVERTERS: dict[FeatureType, Callable[[object], object]] = {
    FeatureType.INT: _to_int,
    FeatureType.FLOAT: _to_float,
    FeatureType.BYTES: _to_bytes,
}


def _feature(kind: FeatureType, values: list[object]) -> tf.train.Feature:
    if kind is FeatureType.INT:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    if kind is FeatureType.FLOAT:
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
