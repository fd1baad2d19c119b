"""Labels made from other columns."""

import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen import lists, values
from rankbeam.components.example_gen.spec import DerivedLabel


def derived_label(source: pa.Array, rule: DerivedLabel) -> pa.Array:
    """1 where the value is one of `rule.is_in`, else 0; null where it is missing.

    Args:
        source: [rows] the source column, of any type in `values`' table.
        rule: The values that mean 1.

    Raises:
        BadValue: The source cannot be read as one value per row.
    """
    texts = as_text(values.widen(lists.only(source)))
    positives = pa.array([value.encode() for value in rule.is_in], type=pa.binary())
    found = pc.is_in(texts, value_set=positives).cast(pa.int64())
    return pc.if_else(texts.is_valid(), found, pa.scalar(None, pa.int64()))


def as_text(wide: pa.Array) -> pa.Array:
    """Bytes of widened values: text as it is, numbers as a person would write them (1, not 1.0)."""
    if pa.types.is_floating(wide.type):
        return pa.array([_written(number) for number in wide.to_pylist()], type=pa.binary())
    if pa.types.is_integer(wide.type):
        return wide.cast(pa.string()).cast(pa.binary())
    return wide.cast(pa.binary())


def _written(number: float | None) -> bytes | None:
    if number is None:
        return None
    return (str(int(number)) if number.is_integer() else repr(number)).encode()
