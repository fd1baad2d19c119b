"""Writes splits of serialized tf.Examples as TFX lays them out."""

from collections.abc import Iterable, Sequence
from types import TracebackType

from rankbeam.components.example_batches.leftovers import discard, remove
from rankbeam.components.example_batches.records import BATCH_ROWS, writing
from rankbeam.components.example_gen.shards import ShardWriter
from rankbeam.transform.errors import EnvironmentFault

SHARD_ROWS = 64 * BATCH_ROWS
"""Rows of a file, 262,144: of some 25 MB, so that a million rows already give several workers files
of about equal size, and opening a file costs nothing against reading it. Whole batches, so that the
batches that are read from several files are those of one file."""

_UNFINISHED = "unfinished"


class SplitsWriter:
    """Writes each split's files, which appear under their names only when all are whole.

    The gzip header has no time stamp, so equal records give equal bytes. An error, be it in
    opening, writing or naming them, leaves nothing behind that the file system lets us remove.

    Attributes:
        folder: The artifact's folder; files end up in `Split-<name>` below it.
        splits: Names of the splits; one that gets no record has an empty file.
        shard_rows: Rows of a file; a split with more has several, its rows in order of their names.
    """

    def __init__(self, folder: str, splits: Sequence[str], shard_rows: int = SHARD_ROWS) -> None:
        self.folder = folder
        self.splits = splits
        self.shard_rows = shard_rows
        self._place = f"examples to {folder}"
        self._writers: dict[str, ShardWriter] = {}
        self._named: list[str] = []

    def __enter__(self) -> "SplitsWriter":
        """Open the files.

        Raises:
            EnvironmentFault: The folder cannot be written to.
        """
        try:
            with writing(self._place):
                for split in self.splits:
                    unfinished = f"{self.folder}/{_UNFINISHED}/{split}"
                    self._writers[split] = ShardWriter(unfinished, self.shard_rows)
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, split: str, records: Iterable[bytes]) -> None:
        """Append records to a split.

        Raises:
            EnvironmentFault: The disk is full or fails otherwise.
        """
        with writing(self._place):
            self._writers[split].write(records)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the files, then name them or, after an exception, remove them.

        Raises:
            EnvironmentFault: The disk is full or fails otherwise.
        """
        is_whole = False
        try:
            with writing(self._place):
                self._close()
                if error is None:
                    self._publish()
                    remove(f"{self.folder}/{_UNFINISHED}")
                    is_whole = True
        except EnvironmentFault:
            if error is None:
                raise
        finally:
            if not is_whole:
                self._discard()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _publish(self) -> None:
        for split, writer in self._writers.items():
            named = f"{self.folder}/Split-{split}"
            self._named.append(named)
            writer.publish(named)

    def _discard(self) -> None:
        discard(f"{self.folder}/{_UNFINISHED}", *self._named)
