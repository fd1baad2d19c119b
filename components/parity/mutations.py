"""Kinds of requests that real logs hold seldom: each changes one column of a real tf.Example.

What may come out is bounded by what training itself accepts: a column keeps its type, since a
tf.Example of another type is refused by the parser on every path.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from rankbeam.components.parity.columns import Column

Mutate = Callable[[tf.train.Example, Column, np.random.Generator], bytes]

_TYPES = frozenset({tf.string, tf.int64, tf.float32})
_TEXT = frozenset({tf.string})
_NUMBERS = frozenset({tf.int64, tf.float32})

_FLOAT = np.finfo(np.float32)
EXTREME_FLOATS: tuple[float, ...] = (
    float(_FLOAT.max),
    float(_FLOAT.min),
    float(_FLOAT.tiny),
    float(_FLOAT.smallest_subnormal),
    -float(_FLOAT.smallest_subnormal),
    -0.0,
    0.0,
    -1.0,
    float(2**24 + 2),
    float("inf"),
    float("-inf"),
    float("nan"),
)
EXTREME_INTS: tuple[int, ...] = (
    *(-(2**63), -(2**63) + 1, 2**63 - 1, -(2**31) - 1, 2**31, 2**32, 2**53 + 1, -1, 0),
)
UNICODE: tuple[str, ...] = (
    "Größe",
    "e\u0301 beside \u00e9",
    "\u65e5\u672c\u8a9e",
    "\U0001f9ee\u200d\U0001f52c",
    "\u202eright to left\u202c",
    "\ufeffmark",
    "\uff21\uff22\uff23",
    "line\nbreak\ttab",
    "nul\x00inside",
    "\u2028",
    " padded ",
    "\"quoted\", 'comma'; \\slash",
)
INVALID_UTF8: tuple[bytes, ...] = (
    b"\xff\xfe",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf5\x80\x80\x80",
    b"fine until \x80 here",
    b"\x00\x01\xfe",
)
LONG_TEXT_BYTES = 4096
MOST_VALUES = 40


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of mutation.

    Attributes:
        name: what it is counted under.
        types: column types that it can be done to.
        mutate: a real example, one of its columns and a source of chance -> serialized tf.Example.
    """

    name: str
    types: frozenset[tf.DType]
    mutate: Mutate


def _serialized(example: tf.train.Example) -> bytes:
    return bytes(example.SerializeToString(deterministic=True))


def _with(example: tf.train.Example, column: Column, values: Sequence[object]) -> bytes:
    changed = tf.train.Example()
    changed.CopyFrom(example)
    changed.features.feature[column.name].CopyFrom(column.feature(list(values)))  # type: ignore[arg-type]
    return _serialized(changed)


def _real(example: tf.train.Example, _: Column, __: np.random.Generator) -> bytes:
    return _serialized(example)


def _missing(example: tf.train.Example, column: Column, _: np.random.Generator) -> bytes:
    changed = tf.train.Example()
    changed.CopyFrom(example)
    changed.features.feature.pop(column.name, None)
    return _serialized(changed)


def _all_missing(_: tf.train.Example, __: Column, ___: np.random.Generator) -> bytes:
    return b""


def _empty_text(example: tf.train.Example, column: Column, _: np.random.Generator) -> bytes:
    return _with(example, column, [b""])


def _empty_list(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    """A feature that is there without values: with a list of its kind, or without any."""
    if rng.random() < 0.5:
        return _with(example, column, [])
    changed = tf.train.Example()
    changed.CopyFrom(example)
    changed.features.feature[column.name].Clear()
    return _serialized(changed)


def _unseen(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    return _with(example, column, [fresh_value(column, rng)])


def fresh_value(column: Column, rng: np.random.Generator) -> bytes | int | float:
    """A value that no training row is likely to have."""
    if column.dtype == tf.string:
        return b"unseen-" + rng.bytes(8).hex().encode()
    if column.dtype == tf.int64:
        return int(rng.integers(-(2**62), 2**62))
    return float(np.float32(rng.normal() * 10.0 ** rng.uniform(-6, 6)))


def _extreme(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    choices: Sequence[object] = EXTREME_INTS if column.dtype == tf.int64 else EXTREME_FLOATS
    return _with(example, column, [choices[int(rng.integers(len(choices)))]])


def _unicode(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    return _with(example, column, [UNICODE[int(rng.integers(len(UNICODE)))].encode()])


def _invalid_utf8(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    return _with(example, column, [INVALID_UTF8[int(rng.integers(len(INVALID_UTF8)))]])


def _long_text(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    return _with(example, column, [rng.bytes(LONG_TEXT_BYTES // 2).hex().encode()])


def _many_values(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    """More values than a column keeps: its own, then unseen ones."""
    own = column.values(example.features.feature[column.name]) if _has(example, column) else []
    extra = [fresh_value(column, rng) for _ in range(int(rng.integers(2, MOST_VALUES)))]
    return _with(example, column, [*own, *extra])


def _repeated_value(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    own = column.values(example.features.feature[column.name]) if _has(example, column) else []
    values = own or [fresh_value(column, rng)]
    return _with(example, column, values * 2)


def _repeated_feature(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    """A feature twice in one record: the wire format allows it, and parsers take the last."""
    again = tf.train.Example()
    again.features.feature[column.name].CopyFrom(column.feature([fresh_value(column, rng)]))  # type: ignore[arg-type]
    return _serialized(example) + _serialized(again)


def _extra_feature(example: tf.train.Example, column: Column, rng: np.random.Generator) -> bytes:
    """Features that the model has never heard of, one of each type."""
    changed = tf.train.Example()
    changed.CopyFrom(example)
    for dtype in sorted(_TYPES, key=str):
        stranger = Column(f"{column.name} of another {dtype.name}", dtype, multivalent=False)
        value = stranger.feature([fresh_value(stranger, rng)])  # type: ignore[arg-type]
        changed.features.feature[stranger.name].CopyFrom(value)
    return _serialized(changed)


def _has(example: tf.train.Example, column: Column) -> bool:
    return column.name in example.features.feature


KINDS: tuple[Kind, ...] = (
    Kind("real", _TYPES, _real),
    Kind("missing", _TYPES, _missing),
    Kind("all_missing", _TYPES, _all_missing),
    Kind("empty_text", _TEXT, _empty_text),
    Kind("empty_list", _TYPES, _empty_list),
    Kind("unseen", _TYPES, _unseen),
    Kind("extreme_number", _NUMBERS, _extreme),
    Kind("unicode", _TEXT, _unicode),
    Kind("invalid_utf8", _TEXT, _invalid_utf8),
    Kind("long_text", _TEXT, _long_text),
    Kind("many_values", _TYPES, _many_values),
    Kind("repeated_value", _TYPES, _repeated_value),
    Kind("repeated_feature", _TYPES, _repeated_feature),
    Kind("extra_feature", _TYPES, _extra_feature),
)
"""In the order in which they are counted; `real` is the example as it was logged."""
