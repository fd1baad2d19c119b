"""Arrow list arrays: one list of values per row, as tf.Example has it."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen.chunks import BadValue


def is_list(values: pa.Array) -> bool:
    """Whether each row holds a list."""
    kind = values.type
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def flat(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The elements of all lists, and for each element the row that it belongs to."""
    if pa.types.is_fixed_size_list(values.type):
        # Versions of Arrow differ in whether flattening keeps what lies below a missing list.
        values = pa.array(values.to_pylist(), type=pa.list_(values.type.value_type))
    rows = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
    return values.flatten(), rows.astype(np.int64)


def gather(
    elements: pa.Array, rows: npt.NDArray[np.int64], present: npt.NDArray[np.bool_]
) -> pa.Array:
    """The inverse of `flat`.

    Args:
        elements: Values without nulls, in row order.
        rows: [len(elements)] ascending row of each.
        present: [number of rows] whether the row has a list; a row without one has no elements.
    """
    counts = np.bincount(rows, minlength=len(present))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    missing = np.concatenate([~present, [False]])
    return pa.ListArray.from_arrays(pa.array(offsets, mask=missing), elements)


def one_each(values: pa.Array) -> pa.Array:
    """Lists of one value, from values; a null becomes a missing list."""
    present = validity(values)
    return gather(values.drop_null(), np.flatnonzero(present), present)


def only(values: pa.Array) -> pa.Array:
    """The value of each row, from lists of at most one; null where the list is empty or missing.

    Values that are no lists are returned as they are.

    Raises:
        BadValue: A row has several values.
    """
    if not is_list(values):
        return values
    elements, rows = flat(values)
    several = np.flatnonzero(np.diff(rows) == 0)
    if len(several):
        row = int(rows[several[0]])
        rule = "must hold one value per row, unless it is a multivalent feature"
        raise BadValue(rule, values[row].as_py(), row)
    place = np.full(len(values), -1)
    place[rows] = np.arange(len(rows))
    return elements.take(pa.array(place, mask=place < 0))


def validity(values: pa.Array) -> npt.NDArray[np.bool_]:
    """[len(values)] whether each value is there."""
    present: npt.NDArray[np.bool_] = values.is_valid().to_numpy(zero_copy_only=False)
    return present
