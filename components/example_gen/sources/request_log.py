"""The server's request log: from logged requests to rows of candidates."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from rankbeam.components.example_gen.sources.candidates import Candidates, is_ranking
from rankbeam.components.example_gen.sources.columns import Wanted
from rankbeam.components.example_gen.sources.files import local_copy, reading
from rankbeam.components.example_gen.sources.outcomes import Outcomes
from rankbeam.components.example_gen.spec import RequestLogSource
from rankbeam.serving.request_log.reader import read_records
from rankbeam.serving.request_log.record import LoggedInference, LoggedRequest
from rankbeam.transform.errors import DataError

_LOGGER = logging.getLogger(__name__)
_BATCH_ROWS = 8_192


class RequestLogReader:
    """Reads the files of one log, one after the other, joined with outcomes.

    Of requests with the same id and inputs, which a client sent again, the first is read. For that
    a digest of each id is held in memory, some 100 bytes a request.

    Args:
        source: What to read.
        wanted: The columns that are asked for.
        labels: Those among them that come from outcomes.
        outcomes: The outcomes; None where there are none, and labels are missing.
    """

    def __init__(
        self,
        source: RequestLogSource,
        wanted: Wanted,
        labels: Sequence[str],
        outcomes: Outcomes | None,
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._labels = labels
        self._outcomes = outcomes
        self._ids: set[bytes] = set()
        self._contents: set[bytes] = set()
        self._read = self._matched = 0

    def read(self, path: str) -> Iterator[pa.RecordBatch]:
        """Batches of list columns, in the log's order, each with the features of its own rows.

        Raises:
            DataError: The file is damaged, holds something else, or a request does not fit its
                answer, its outcomes, or the columns' names.
        """
        with reading(path, "TFRecord of PredictionLog"), local_copy(path) as copy:
            try:
                group = Candidates()
                for request in self._requests(copy):
                    if not group.takes(request):
                        yield self._batch(group)
                        group = Candidates()
                    group.add(request)
                    if group.rows >= _BATCH_ROWS:
                        yield self._batch(group)
                        group = Candidates()
                if group.rows:
                    yield self._batch(group)
            except DataError as error:
                raise DataError(str(error).replace(copy, path)) from error

    def check_joined(self) -> None:
        """Check, at the end, that log and outcomes have to do with each other.

        Raises:
            DataError: No candidate has an outcome.
        """
        if self._outcomes is None:
            return
        if self._read and not self._matched:
            raise DataError(
                f"{self._outcomes.name} must hold outcomes of the log's requests, by their ids; "
                f"got none for any of {self._read} candidates"
            )
        _LOGGER.info("%d of %d candidates have outcomes", self._matched, self._read)

    def _requests(self, copy: str) -> Iterator[LoggedRequest]:
        again = 0
        others: Counter[str] = Counter()
        for record in read_records([Path(copy)]):
            if self._source.model not in (None, record.model_name):
                continue
            if isinstance(record, LoggedInference):
                others[record.method] += 1
            elif not is_ranking(record):
                others[f"Predict on {record.signature_name}"] += 1
            elif self._is_repeated(record):
                again += 1
            else:
                yield record
        if again:
            _LOGGER.info("left out %d requests that were sent again", again)
        for what, count in sorted(others.items()):
            _LOGGER.info("left out %d requests that are not read as candidates: %s", count, what)

    def _is_repeated(self, request: LoggedRequest) -> bool:
        if request.request_id is None:
            return False
        name = request.request_id.encode()
        content = _digest(name, request.request.SerializeToString(deterministic=True))
        if content in self._contents:
            return True
        self._contents.add(content)
        if self._outcomes is not None:
            if _digest(name) in self._ids:
                raise DataError(
                    "the log must hold one request of each id, or outcomes cannot be told apart; "
                    f"got different ones of {request.request_id!r} "
                    "(data.source.model tells models apart)"
                )
            self._ids.add(_digest(name))
        return False

    def _batch(self, group: Candidates) -> pa.RecordBatch:
        columns = group.columns(self._source.column_prefix, self._wanted)
        kept = np.ones(group.rows, dtype=bool)
        if self._outcomes is None:
            columns.update({name: pa.nulls(group.rows) for name in self._labels})
        else:
            rows = np.concatenate([self._outcomes.rows(*key) for key in group.join_keys()])
            zero = self._source.unmatched == "zero"
            for name in self._labels:
                columns[name] = self._outcomes.column(name, rows, zero=zero)
            self._read += len(rows)
            self._matched += int(np.sum(rows >= 0))
            if self._source.unmatched == "drop":
                kept = rows >= 0
        batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
        return batch if kept.all() else batch.filter(pa.array(kept))


def _digest(name: bytes, content: bytes = b"") -> bytes:
    return hashlib.blake2b(content, key=hashlib.sha256(name).digest(), digest_size=8).digest()
