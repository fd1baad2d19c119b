"""From what a source holds to what a tf.Example holds.

=====================================  ======  ==================================================
Arrow type                             kind    value
=====================================  ======  ==================================================
bool                                   INT64   0 or 1
integers of any width                  INT64   as they are
timestamp, date                        INT64   microseconds since 1970-01-01 UTC
float, double, half, decimal           FLOAT   rounded to 32 bits; NaN is missing
string, binary (large, fixed) of text  BYTES   as they are
dictionary                                     as its values
list (large, fixed) of the above               several values; a null among them is left out
=====================================  ======  ==================================================

Null is missing. 0, 0.0, False, the empty text and the empty list are values.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen import lists
from rankbeam.components.example_gen.casts import cast
from rankbeam.components.example_gen.chunks import BadValue
from rankbeam.components.example_gen.spec import ColumnType
from rankbeam.components.example_gen.text import floats_of_text, integers_of_text


def to_feature(values: pa.Array, use: ColumnType | None, multivalent: bool) -> pa.Array:
    """A column as lists of int64, float32 or binary, which is what tf.Example can hold.

    Args:
        values: [rows] of any type in the module's table.
        use: What the column is used as (see `ExampleGenSpec.columns`).
        multivalent: Whether a row may hold several values even where `use` is set.

    Raises:
        BadValue: The type has no counterpart or does not fit the use, or a value does not fit.
    """
    if lists.is_list(values) and (multivalent or use is None):
        elements, rows = lists.flat(values)
        try:
            elements = to_scalars(elements, use)
        except BadValue as bad:
            at = None if bad.row is None else int(rows[bad.row])
            raise BadValue(bad.rule, bad.got, at) from bad
        kept = lists.validity(elements)
        return lists.gather(elements.drop_null(), rows[kept], lists.validity(values))
    return lists.one_each(to_scalars(lists.only(values), use))


def to_scalars(values: pa.Array, use: ColumnType | None) -> pa.Array:
    """Values as int64, float32 or binary.

    Raises:
        BadValue: The type has no counterpart or does not fit the use, or a value does not fit.
    """
    wide = widen(values)
    if use == "string" and pa.types.is_floating(wide.type):
        raise BadValue("is looked up by value, so it must hold text or integers", values.type)
    if use == "float" and pa.types.is_binary(wide.type):
        wide = floats_of_text(wide)
    if use == "int":
        wide = _integers(wide)
    if pa.types.is_floating(wide.type):
        return _narrow(wide)
    return wide.cast(pa.int64()) if pa.types.is_null(wide.type) else wide


def widen(values: pa.Array) -> pa.Array:
    """Values as int64, double (NaN is null), binary or, where all are missing, null.

    Raises:
        BadValue: The type has no counterpart, or an integer is beyond 64 bits with sign.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_null(kind):
        return values
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return cast(values, pa.int64(), "must fit into 64 bits with sign")
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        # Nanoseconds are cut off.
        stamp = pa.timestamp("us", tz=kind.tz if pa.types.is_timestamp(kind) else None)
        times = cast(values, stamp, "must be a time within 64 bits of microseconds", safe=False)
        return times.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _doubles(values)
    if _is_text(kind):
        return values.cast(pa.binary())
    raise BadValue("must hold numbers, text, booleans, timestamps or lists of them", kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _doubles(values: pa.Array) -> pa.Array:
    if pa.types.is_float16(values.type):
        # Arrow itself cannot widen halves.
        halves = values.to_numpy(zero_copy_only=False).astype(np.float64)
        return pa.array(halves, from_pandas=True)
    doubles = values.cast(pa.float64())
    return pc.if_else(pc.is_nan(doubles), pa.scalar(None, pa.float64()), doubles)


def _integers(wide: pa.Array) -> pa.Array:
    if pa.types.is_binary(wide.type):
        return integers_of_text(wide)
    if pa.types.is_floating(wide.type):
        return cast(wide, pa.int64(), "must hold integers")
    return wide


def _narrow(wide: pa.Array) -> pa.Array:
    narrow = wide.cast(pa.float32())
    overflown = pc.and_(pc.is_inf(narrow), pc.invert(pc.is_inf(wide)))
    if pc.any(overflown).as_py():
        row = pc.index(overflown, True).as_py()
        raise BadValue("must fit into a 32-bit float", wide[row].as_py(), row)
    return narrow
