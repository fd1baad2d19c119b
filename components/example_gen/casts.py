"""Arrow casts that name the value that cannot be cast."""

import pyarrow as pa

from rankbeam.components.example_gen.chunks import BadValue


def cast(values: pa.Array, to: pa.DataType, rule: str, *, safe: bool = True) -> pa.Array:
    """Cast values.

    Args:
        values: Values to cast.
        to: Arrow type.
        rule: What holds for values that can be cast; read after the column's name.
        safe: Whether cutting off digits counts as a fault.

    Raises:
        BadValue: A value cannot be cast; the first such one is named.
    """
    try:
        return values.cast(to, safe=safe)
    except pa.ArrowInvalid as error:
        row = _first_that_fails(values, to, safe)
        raise BadValue(rule, values[row].as_py(), row) from error


def _first_that_fails(values: pa.Array, to: pa.DataType, safe: bool) -> int:
    # Invariant: the values before `low` can be cast, those before `high` cannot.
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            values.slice(low, middle - low).cast(to, safe=safe)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low
