"""From a request to serialized tf.Examples, held against each feature's type. Pure, no TensorFlow.

A request is one JSON object (feature name -> value) or a list of them. A value is a scalar, a list
of scalars, or null for a missing value; a feature that is left out is missing too.
"""

import difflib
import json
from collections.abc import Callable, Mapping

import numpy as np

from rankbeam.serving.examples import FeatureType, encode_entry, encode_example
from rankbeam.transform.errors import DataError

_INT64 = np.iinfo(np.int64)
_FLOAT32_MAX = float(np.finfo(np.float32).max)


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
    entries = []
    for name in sorted(row):
        where = f"request[{index}]"
        if name not in types:
            raise DataError(unknown_feature(where, name, types))
        entries.append(feature_entry(f"{where}.{name}", name, row[name], types[name]))
    return encode_example(b"".join(entries))


def feature_entry(where: str, name: str, value: object, kind: FeatureType) -> bytes:
    """One feature of a tf.Example, as it stands on the wire; nothing for a missing value.

    Args:
        where: what messages call the value.
        name: the feature.
        value: a scalar, a list of scalars, or None. Beside what JSON has: NumPy's scalars and
            arrays, tuples, and bytes for a string.
        kind: the feature's type.

    Raises:
        DataError: the value is not of that type.
    """
    return encode_entry(name, kind, _values(where, value, kind))


def unknown_feature(where: str, name: str, types: Mapping[str, FeatureType]) -> str:
    """The message about a name that the model does not know, with the nearest one that it does."""
    close = difflib.get_close_matches(name, types, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(types))}"
    return f"{where} must name features of the model; got {name!r}{hint}"


def _values(where: str, value: object, kind: FeatureType) -> list[object]:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        return [_scalar(where, value, kind)]
    return [_scalar(f"{where}[{at}]", item, kind) for at, item in enumerate(value)]


def _scalar(where: str, value: object, kind: FeatureType) -> object:
    if isinstance(value, np.generic):
        value = value.item()
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
    if isinstance(value, bytes):
        return value
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


def _shown(value: object) -> str:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):  # no JSON: a value from Python
        text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
