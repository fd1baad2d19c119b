"""Several requests as one call of a signature: concatenated, padded, run, split again. Pure.

Source of the rules: TensorFlow Serving's `batching_session.cc`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rankbeam.serving import status
from rankbeam.serving.tensors import Array

Arrays = Mapping[str, Array]
Trailing = tuple[tuple[int, ...], ...]


def batch_size(arrays: Arrays) -> int | None:
    """Rows of a request; None where its inputs have no common first dimension to batch along.

    Raises:
        status.Refusal: INVALID_ARGUMENT where the first dimensions differ.
    """
    if not arrays or any(array.ndim == 0 for array in arrays.values()):
        return None
    sizes = {array.shape[0] for array in arrays.values()}
    if len(sizes) > 1:
        raise status.invalid_argument(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    return int(sizes.pop())


def trailing_shapes(arrays: Arrays) -> Trailing:
    """The inner dimensions of each input: requests that differ in them do not concatenate."""
    return tuple(array.shape[1:] for array in arrays.values())


def trailing_ranks(arrays: Arrays) -> Trailing:
    """Their number alone: all that must be equal where inputs are padded."""
    return tuple((array.ndim,) for array in arrays.values())


def join(requests: Sequence[Arrays], pad_to: int, *, pad_inner: bool) -> dict[str, Array]:
    """One batch of all requests, in order.

    Args:
        requests: input name -> array (rows, ...), the same inputs in each.
        pad_to: rows of the batch; the first row fills what is left.
        pad_inner: whether inner dimensions are filled up to the longest, with 0, False or "".
    """
    joined = {}
    for name in requests[0]:
        parts = [request[name] for request in requests]
        if pad_inner:
            parts = _widened(parts)
        missing = pad_to - sum(len(part) for part in parts)
        if missing > 0:
            parts.append(np.repeat(parts[0][:1], missing, axis=0))
        joined[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return joined


def split(outputs: Arrays, sizes: Sequence[int], padded_size: int) -> list[dict[str, Array]]:
    """Each request's rows of each output.

    Raises:
        status.Refusal: FAILED_PRECONDITION for an output without one row for each row of the batch.
    """
    for name, array in outputs.items():
        if array.ndim == 0 or array.shape[0] != padded_size:
            raise status.failed_precondition(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
                f"sizes of the input tensors: {name} has shape {list(array.shape)}, the batch "
                f"{padded_size} rows"
            )
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in outputs.items()}
        for size, end in zip(sizes, ends, strict=True)
    ]


def padded_size(size: int, allowed: Sequence[int]) -> int:
    """The smallest allowed size that holds `size` rows; `size` itself where any is allowed."""
    return next((one for one in allowed if one >= size), size)


def cut(arrays: Arrays, first: int, rest: int) -> list[dict[str, Array]]:
    """A request in pieces: `first` rows, then pieces of `rest` rows, the last one maybe shorter."""
    size = len(next(iter(arrays.values())))
    starts = [0, *range(first, size, rest)]
    return [
        {name: array[start:end] for name, array in arrays.items()}
        for start, end in zip(starts, [*starts[1:], size], strict=True)
    ]


def _widened(parts: Sequence[Array]) -> list[Array]:
    inner = np.max([part.shape[1:] for part in parts], axis=0)
    fill: object = b"" if parts[0].dtype.kind == "O" else 0
    return [_fill_up(part, inner.tolist(), fill) for part in parts]


def _fill_up(part: Array, inner: Sequence[int], fill: object) -> Array:
    wide = np.full((len(part), *inner), fill, dtype=part.dtype)
    # mypy takes the same tuple inside the brackets for Python 3.11's spelling.
    place = (slice(None), *(slice(size) for size in part.shape[1:]))
    wide[place] = part
    return wide
