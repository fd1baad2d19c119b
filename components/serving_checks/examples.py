"""The first examples of an artifact's split, as the raw bytes that a client would send."""

import os

import tensorflow as tf
from tfx.types import Artifact, artifact_utils

from rankbeam.transform.errors import ConfigError, DataError

# TFX's name of the property that says what a record is.
_PAYLOAD_PROPERTY = "payload_format"
_TF_EXAMPLE = "FORMAT_TF_EXAMPLE"

_COMPRESSIONS = ("GZIP", "", "ZLIB")


def read_examples(
    artifact: Artifact, split: str, count: int, *, field: str = "serving.validation.split"
) -> list[bytes]:
    """The first `count` serialized tf.Examples of a split, or all of them where it has fewer.

    Shards are read in the order of their names; the compression is found by reading.

    Args:
        artifact: an Examples artifact.
        split: the split's name.
        count: how many to read, at least 1.
        field: the config's field that names the split, for the message.

    Raises:
        ConfigError: the artifact has no such split.
        DataError: the split is empty, holds no tf.Examples, or a shard is no TFRecord file.
    """
    splits = artifact_utils.decode_split_names(artifact.split_names)
    if split not in splits:
        raise ConfigError(f"{field} must be one of {', '.join(splits)}; got {split!r}")
    payload = artifact.get_string_custom_property(_PAYLOAD_PROPERTY) or _TF_EXAMPLE
    if payload != _TF_EXAMPLE:
        raise DataError(f"examples must be tf.Examples; got {payload} in {artifact.uri}")
    folder = artifact_utils.get_split_uri([artifact], split)
    found: list[bytes] = []
    for shard in sorted(tf.io.gfile.glob(os.path.join(folder, "[!._]*"))):
        found += _read_shard(shard, count - len(found))
        if len(found) == count:
            break
    if not found:
        raise DataError(f"split {split!r} must hold at least one example; {folder} holds none")
    return found


def _read_shard(path: str, count: int) -> list[bytes]:
    """Records of one file, under the first compression that reads it."""
    for compression in _COMPRESSIONS:
        dataset = tf.data.TFRecordDataset(path, compression_type=compression).take(count)
        try:
            return list(dataset.as_numpy_iterator())
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError):
            continue
    raise DataError(f"examples must be whole TFRecords, plain, gzip or zlib; {path} is not")
