"""What Avro's types are in Arrow, so that Avro and Parquet are read by one table.

==============================================  ===============================================
Avro                                            Arrow
==============================================  ===============================================
null                                            null
boolean, int, long, float, double               bool, int32, int64, float, double
string, enum, uuid                              string
bytes, fixed                                    binary
decimal                                         decimal128, or decimal256 beyond 38 digits
date                                            date32
timestamp-millis, -micros, -nanos               timestamp in UTC
local-timestamp-millis, -micros, -nanos         timestamp without zone
array                                           list
union of null and one type                      that type
union of null, int and long; of float, double   the wider one
==============================================  ===============================================

Maps, records below the row, times of day, durations and other unions have none.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

_PRIMITIVES = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "enum": pa.string(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
}
_LOGICAL = {
    ("int", "date"): pa.date32(),
    ("string", "uuid"): pa.string(),
    **{
        ("long", f"{local}timestamp-{unit}"): pa.timestamp(short, zone)
        for local, zone in (("", "UTC"), ("local-", None))
        for unit, short in (("millis", "us"), ("micros", "us"), ("nanos", "ns"))
    },
}
_WIDER = ((pa.int32(), pa.int64()), (pa.float32(), pa.float64()))
_REFUSED_LOGICAL = frozenset({"time-millis", "time-micros", "duration"})
_LARGEST_DECIMAL128 = 38


class NoCounterpart(Exception):  # never leaves the reader of Avro files
    """A type that a feature cannot be made of; the message names it."""


def arrow_type(schema: Any, named: Mapping[str, Any]) -> pa.DataType:
    """The Arrow type of an Avro type.

    Args:
        schema: The type, as Avro's JSON has it.
        named: Full name to definition of each named type.

    Raises:
        NoCounterpart: There is none.
    """
    if isinstance(schema, list):
        return _union([arrow_type(branch, named) for branch in schema])
    if isinstance(schema, str):
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        schema = named[schema]
    kind, logical = schema["type"], schema.get("logicalType")
    if isinstance(kind, (dict, list)):
        return arrow_type(kind, named)
    if kind == "array":
        return pa.list_(arrow_type(schema["items"], named))
    if kind not in _PRIMITIVES:
        raise NoCounterpart(kind)
    if logical == "decimal" and kind in {"bytes", "fixed"}:
        precision, scale = schema["precision"], schema.get("scale", 0)
        make = pa.decimal128 if precision <= _LARGEST_DECIMAL128 else pa.decimal256
        return make(precision, scale)
    if logical in _REFUSED_LOGICAL:
        raise NoCounterpart(logical)
    return _LOGICAL.get((kind, logical), _PRIMITIVES[kind])


def _union(branches: list[pa.DataType]) -> pa.DataType:
    kinds = [kind for kind in dict.fromkeys(branches) if not pa.types.is_null(kind)]
    if not kinds:
        return pa.null()
    if len(kinds) == 1:
        return kinds[0]
    for narrow, wide in _WIDER:
        if set(kinds) == {narrow, wide}:
            return wide
    raise NoCounterpart(f"union of {', '.join(map(str, kinds))}")
