"""What became of logged candidates: a table by request id and position, joined onto the log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rankbeam.components.example_gen import lists, values
from rankbeam.components.example_gen.chunks import BadValue, Chunk
from rankbeam.components.example_gen.derive import as_text
from rankbeam.components.example_gen.sources.columns import Wanted
from rankbeam.components.example_gen.sources.tables import TableSource, read_table
from rankbeam.transform.errors import DataError

REQUEST_ID, POSITION = "request_id", "position"

Rows = npt.NDArray[np.int64]


class Outcomes:
    """Labels by request id and position.

    Args:
        ids: [rows] request ids, binary, without nulls.
        positions: [rows] candidates' positions in their requests, from 0.
        labels: Label to its [rows] values.
        name: What to call the table in errors.

    Raises:
        DataError: A candidate is there twice.
    """

    def __init__(
        self, ids: pa.Array, positions: Rows, labels: Mapping[str, pa.Array], name: str
    ) -> None:
        self.name = name
        self._labels = labels
        encoded = ids.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        self._order: Rows = np.lexsort((positions, codes))
        self._positions = positions[self._order]
        known: list[bytes] = encoded.dictionary.to_pylist()
        starts = np.searchsorted(codes[self._order], np.arange(len(known) + 1))
        self._ranges = {
            key: (int(start), int(end))
            for key, start, end in zip(known, starts[:-1], starts[1:], strict=True)
        }
        self._check_unique(codes[self._order], known)

    def rows(self, request_id: bytes, candidates: int, offset: int | None = None) -> Rows:
        """[candidates] the row of each candidate's outcome, or -1 where there is none.

        Args:
            request_id: The whole request's id.
            candidates: How many it has, or its part.
            offset: Where in it the part begins; None where it is no part.

        Raises:
            DataError: The table has a position that the request does not have.
        """
        found = np.full(candidates, -1, dtype=np.int64)
        start, end = self._ranges.get(request_id, (0, 0))
        positions = self._positions[start:end]
        # Of a request in parts, the others are not known here.
        too_high = offset is None and len(positions) and positions[-1] >= candidates
        if too_high or (len(positions) and positions[0] < 0):
            wrong = positions[-1] if too_high else positions[0]
            raise DataError(
                f"{self.name}: column {POSITION!r} must count the request's candidates from 0, "
                f"here to {candidates - 1}; got {wrong} for request {_shown(request_id)}"
            )
        first = offset or 0
        here = (positions >= first) & (positions < first + candidates)
        found[positions[here] - first] = self._order[start:end][here]
        return found

    def column(self, label: str, rows: Rows, *, zero: bool) -> pa.Array:
        """The label at each of `rows`; where there is no row, 0 if `zero`, else missing."""
        stored = self._labels[label]
        unmatched = rows < 0
        taken = stored.take(pa.array(rows, mask=unmatched))
        if not zero or pa.types.is_null(stored.type):
            return taken
        return pc.if_else(pa.array(unmatched), _zero(stored.type), taken)

    def _check_unique(self, codes: Rows, known: Sequence[bytes]) -> None:
        same = (np.diff(codes) == 0) & (np.diff(self._positions) == 0)
        if same.any():
            at = int(np.argmax(same))
            raise DataError(
                f"{self.name} must hold each candidate once; got position {self._positions[at]} "
                f"of request {_shown(known[codes[at]])} twice"
            )


def load_outcomes(files: Sequence[str], source: TableSource, labels: Wanted) -> Outcomes:
    """Reads the table of outcomes into memory.

    Args:
        files: Its files.
        source: How to read them.
        labels: Columns to read beside request id and position.

    Raises:
        DataError: A file cannot be read or lacks a column, a key is missing or malformed, or a
            candidate is there twice.
    """
    keys = dict.fromkeys((REQUEST_ID, POSITION), "data.source.outcomes")
    ids: list[pa.Array] = []
    positions: list[pa.Array] = []
    columns: dict[str, list[pa.Array]] = {name: [] for name in labels}
    for chunk in _chunks(files, source, {**keys, **labels}):
        ids.append(_key(chunk, REQUEST_ID))
        positions.append(_key(chunk, POSITION))
        for name, parts in columns.items():
            with chunk.locating(name):
                parts.append(_plain(lists.only(chunk.column(name))))
    name = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    try:
        joined = {label: _joined(parts, pa.null()) for label, parts in columns.items()}
    except pa.ArrowException as error:
        raise DataError(f"{name} must hold labels of one type throughout; {error}") from error
    places = _joined(positions, pa.int64()).to_numpy(zero_copy_only=False)
    return Outcomes(_joined(ids, pa.binary()), places, joined, name)


def _chunks(files: Sequence[str], source: TableSource, wanted: Wanted) -> Iterator[Chunk]:
    for file in files:
        row = 0
        for batch in read_table(file, source, wanted):
            yield Chunk(batch, file, row, 0)
            row += batch.num_rows


def _key(chunk: Chunk, name: str) -> pa.Array:
    with chunk.locating(name):
        singles = lists.only(chunk.column(name))
        if name == POSITION:
            found = values.to_scalars(singles, "int")
        else:
            found = as_text(values.widen(singles))
        if found.null_count:
            row = pc.index(found.is_valid(), False).as_py()
            raise BadValue("must be in every row, to join by", singles[row].as_py(), row)
    return found


def _plain(labels: pa.Array) -> pa.Array:
    return labels.dictionary_decode() if pa.types.is_dictionary(labels.type) else labels


def _joined(parts: Sequence[pa.Array], empty: pa.DataType) -> pa.Array:
    typed = [part for part in parts if not pa.types.is_null(part.type)]
    kind = typed[0].type if typed else empty
    return pa.concat_arrays([part.cast(kind) for part in parts]) if parts else pa.array([], kind)


def _zero(kind: pa.DataType) -> pa.Scalar:
    zero: Any = 0
    if pa.types.is_boolean(kind):
        zero = False
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        zero = "0"
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        zero = b"0"
    return pa.scalar(zero, type=kind)


def _shown(request_id: bytes) -> str:
    return repr(request_id.decode("utf-8", "backslashreplace"))
