"""Writes splits of serialized tf.Examples as TFX lays them out."""

from collections.abc import Iterable, Sequence
from types import TracebackType

import tensorflow as tf

from rankbeam.transform.errors import EnvironmentFault

FILE_NAME = "data_tfrecord-00000-of-00001.gz"
"""Name of each split's one file. Nodes downstream tell compression by the suffix."""

# Measured on 100,000 rows of 17 columns (30 MB): level 1 takes 0.30 s and leaves 10.4 MB, level 6
# takes 1.16 s and leaves 8.0 MB; uncompressed is 0.12 s. All read back equally fast.
_GZIP_LEVEL = 1
_UNFINISHED = "unfinished"


class SplitsWriter:
    """Writes one file per split, each of which appears under its name only when all are whole.

    The gzip header has no time stamp, so equal records give equal bytes. Leaving the `with` block
    by an exception leaves nothing behind.

    Attributes:
        folder: The artifact's folder; files end up in `Split-<name>` below it.
        splits: Names of the splits; one that gets no record has an empty file.
    """

    def __init__(self, folder: str, splits: Sequence[str]) -> None:
        self.folder = folder
        self.splits = splits
        self._writers: dict[str, tf.io.TFRecordWriter] = {}

    def __enter__(self) -> "SplitsWriter":
        """Open the files.

        Raises:
            EnvironmentFault: The folder cannot be written to.
        """
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=_GZIP_LEVEL)
        try:
            tf.io.gfile.makedirs(f"{self.folder}/{_UNFINISHED}")
            for split in self.splits:
                self._writers[split] = tf.io.TFRecordWriter(self._unfinished(split), options)
        except tf.errors.OpError as error:
            raise self._fault(error) from error
        return self

    def write(self, split: str, records: Iterable[bytes]) -> None:
        """Append records to a split.

        Raises:
            EnvironmentFault: The disk is full or fails otherwise.
        """
        write = self._writers[split].write
        try:
            for record in records:
                write(record)
        except tf.errors.OpError as error:
            raise self._fault(error) from error

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
        try:
            self._close()
            if error is None:
                self._publish()
        except tf.errors.OpError as failure:
            if error is None:
                raise self._fault(failure) from failure
        finally:
            self._remove_unfinished()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _publish(self) -> None:
        for split in self.splits:
            tf.io.gfile.makedirs(f"{self.folder}/Split-{split}")
            final = f"{self.folder}/Split-{split}/{FILE_NAME}"
            tf.io.gfile.rename(self._unfinished(split), final, overwrite=True)

    def _remove_unfinished(self) -> None:
        if tf.io.gfile.exists(f"{self.folder}/{_UNFINISHED}"):
            tf.io.gfile.rmtree(f"{self.folder}/{_UNFINISHED}")

    def _unfinished(self, split: str) -> str:
        return f"{self.folder}/{_UNFINISHED}/{split}.gz"

    def _fault(self, error: tf.errors.OpError) -> EnvironmentFault:
        return EnvironmentFault(f"cannot write examples to {self.folder}: {error.message}")
