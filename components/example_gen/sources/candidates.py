"""A few thousand candidates of logged requests, as columns."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from rankbeam.components.example_gen import lists
from rankbeam.components.example_gen.sources.columns import Wanted
from rankbeam.serving.request_log.parts import whole_id
from rankbeam.serving.request_log.record import LoggedRequest
from rankbeam.serving.tensors import Array, decode_array
from rankbeam.transform.errors import DataError

# The signatures that rank; what others answer are no scores of candidates.
_RANKING = ("serving_default", "raw_tensors")

_MISSING_INT = np.iinfo(np.int64).min
"""What stands for a missing integer in a dense column, as NaN and "" do in the others: see
`rankbeam.trainer.raw_inputs`."""


def is_ranking(request: LoggedRequest) -> bool:
    """Whether the request's answers are scores of candidates."""
    return request.signature_name in _RANKING


class Candidates:
    """Requests of one kind: serialized tf.Examples, or one dense tensor for each column.

    Attributes:
        rows: Candidates so far.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._requests: list[LoggedRequest] = []
        self._counts: list[int] = []

    def takes(self, request: LoggedRequest) -> bool:
        """Whether the request is of the kind of those before it."""
        return not self.rows or _is_serialized(request) == _is_serialized(self._requests[0])

    def add(self, request: LoggedRequest) -> None:
        """Appends a request; one without candidates leaves no trace.

        Raises:
            DataError: Its inputs and scores are not of as many candidates.
        """
        sizes = {
            name: tuple(dim.size for dim in tensor.tensor_shape.dim)
            for tensors in (request.request.inputs, request.scores)
            for name, tensor in tensors.items()
        }
        counts = {size[0] if size else None for size in sizes.values()}
        if len(counts) != 1 or None in counts:
            raise DataError(
                f"request {request.request_id!r} must have inputs and scores of as many "
                f"candidates; got the shapes {sizes}"
            )
        count = counts.pop()
        assert count is not None  # just refused
        if not count:
            return
        self._requests.append(request)
        self._counts.append(count)
        self.rows += count

    def join_keys(self) -> Iterator[tuple[bytes, int, int | None]]:
        """Each request's id, its number of candidates, and where it begins if it is a part.

        Raises:
            DataError: A request has no id.
        """
        for request, count in zip(self._requests, self._counts, strict=True):
            if request.request_id is None:
                raise DataError(
                    "the log must hold request ids to be joined with outcomes; got a record of "
                    f"model {request.model_name!r} without one"
                )
            whole, offset = whole_id(request.request_id)
            yield whole.encode(), count, offset

    def columns(self, prefix: str, wanted: Wanted) -> dict[str, pa.Array]:
        """Column name to its [rows] values: features as logged, and what the log adds.

        Args:
            prefix: Begins the names of the added columns.
            wanted: The columns that are asked for.

        Raises:
            DataError: A column that is asked for could be either.
        """
        features = self._examples() if _is_serialized(self._requests[0]) else self._dense()
        added = {prefix + name: values for name, values in self._added().items()}
        for name in features:
            if name in added and name in wanted:
                raise DataError(
                    f"column {name!r} (wanted by {wanted[name]}) must be either a feature or one "
                    "that the log adds; got both: set data.source.column_prefix"
                )
        return {**added, **features}

    def _examples(self) -> dict[str, pa.Array]:
        examples: list[bytes] = []
        for request in self._requests:
            [tensor] = request.request.inputs.values()
            examples.extend(decode_array(tensor).tolist())
        batch = ExamplesToRecordBatchDecoder().DecodeBatch(examples)
        return dict(zip(batch.schema.names, batch.columns, strict=True))

    def _dense(self) -> dict[str, pa.Array]:
        names = dict.fromkeys(name for r in self._requests for name in r.request.inputs)
        return {
            name: self._stacked(
                _without_missing(decode_array(r.request.inputs[name]))
                if name in r.request.inputs
                else None
                for r in self._requests
            )
            for name in names
        }

    def _added(self) -> dict[str, pa.Array]:
        requests = self._requests
        ids = [(None, 0) if r.request_id is None else whole_id(r.request_id) for r in requests]
        stamps = pa.array([r.timestamp_us for r in requests], type=pa.timestamp("us", tz="UTC"))
        of_requests = {
            "request_id": pa.array([whole for whole, _ in ids], type=pa.string()),
            "model_version": pa.array([r.model_version for r in requests], type=pa.int64()),
            "transform_hash": pa.array([r.transform_hash for r in requests], type=pa.string()),
            "timestamp": stamps,
        }
        places = pa.array(np.repeat(np.arange(len(requests)), self._counts))
        positions = [
            np.arange(count) + (offset or 0)
            for count, (_, offset) in zip(self._counts, ids, strict=True)
        ]
        scores = dict.fromkeys(name for r in requests for name in r.scores)
        return {
            **{name: values.take(places) for name, values in of_requests.items()},
            "position": pa.array(np.concatenate(positions)),
            **{
                f"score_{name}": self._stacked(
                    _listed(decode_array(r.scores[name])) if name in r.scores else None
                    for r in requests
                )
                for name in scores
            },
        }

    def _stacked(self, parts: Iterable[pa.Array | None]) -> pa.Array:
        """[rows] lists, from those of each request; of a request that has none, missing ones."""
        held = list(parts)
        kind = next(part.type for part in held if part is not None)
        return pa.concat_arrays(
            [
                pa.nulls(count, kind) if part is None else part
                for part, count in zip(held, self._counts, strict=True)
            ]
        )


def _is_serialized(request: LoggedRequest) -> bool:
    tensors = list(request.request.inputs.values())
    return len(tensors) == 1 and len(tensors[0].tensor_shape.dim) == 1


def _listed(values: Array) -> pa.Array:
    """[rows] lists of the values of each row."""
    rows = _flat_rows(values)
    return _gathered(rows, np.ones(rows.shape, dtype=bool), np.ones(len(rows), dtype=bool))


def _without_missing(values: Array) -> pa.Array:
    """[rows] lists of the values of each row that are there; a row without any is missing."""
    rows = _flat_rows(values)
    if rows.dtype == object:
        there = rows != b""
    elif rows.dtype.kind == "f":
        there = ~np.isnan(rows)
    else:
        there = rows != _MISSING_INT
    return _gathered(rows, there, there.any(axis=1))


def _flat_rows(values: Array) -> Array:
    rows: Array = values.reshape(len(values), math.prod(values.shape[1:]))
    return rows


def _gathered(rows: Array, there: Array, present: Array) -> pa.Array:
    kind = pa.binary() if rows.dtype == object else None
    elements = pa.array(rows[there], type=kind)
    return lists.gather(elements, np.nonzero(there)[0], present)
