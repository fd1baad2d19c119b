"""Reads what the gate judges from TFX artifacts; what is missing is told, never assumed."""

import os
from collections.abc import Sequence

import tensorflow_data_validation as tfdv
from google.protobuf import message
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME as ANOMALIES_FILE
from tfx.components.statistics_gen.stats_artifact_utils import BINARY_PB_BASENAME
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from rankbeam.components.data_gate.logic import SplitEvidence
from rankbeam.components.data_gate.scan import scan
from rankbeam.components.data_gate.spec import DataGateOptions
from rankbeam.components.data_gate.tally import SplitTally
from rankbeam.components.example_gen.counts import counts_from_json
from rankbeam.components.example_gen.executor import COUNTS_PROPERTY
from rankbeam.transform.errors import GateError

REQUIRED_SPLITS = ("train", "eval")


def split_names(examples: Artifact) -> tuple[str, ...]:
    """The required splits, then any other that `examples` has."""
    return tuple(dict.fromkeys((*REQUIRED_SPLITS, *_splits_of(examples))))


def gather(
    split: str,
    examples: Artifact,
    statistics: Artifact,
    anomalies: Artifact,
    columns: Sequence[str],
    options: DataGateOptions,
) -> SplitEvidence:
    """All there is about `split`; `columns` are the integer columns to count."""
    return SplitEvidence(
        name=split,
        tally=_tally(split, examples, columns, options),
        statistics=_statistics(split, statistics),
        anomalies=_anomalies(split, anomalies),
    )


def integer_columns(schema: schema_pb2.Schema, options: DataGateOptions) -> tuple[str, ...]:
    """Labels, and the columns with a closed domain that hold integers."""
    integers = {feature.name for feature in schema.feature if feature.type == schema_pb2.INT}
    closed = [column for column in options.domains if column in integers]
    return (*options.labels, *closed)


def _splits_of(artifact: Artifact) -> list[str]:
    return list(artifact_utils.decode_split_names(artifact.split_names))


def _folder(split: str, artifact: Artifact) -> str | None:
    if split not in _splits_of(artifact):
        return None
    folder = artifact_utils.get_split_uri([artifact], split)
    return folder if fileio.isdir(folder) else None


def _tally(
    split: str, examples: Artifact, columns: Sequence[str], options: DataGateOptions
) -> SplitTally | str:
    folder = _folder(split, examples)
    if folder is None:
        return f"examples must have this split; got {', '.join(_splits_of(examples)) or 'none'}"
    files = [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))]
    try:
        tally = scan(files, columns, options)
    except GateError as error:
        return str(error)
    written = _rows_written(split, examples)
    if written not in (None, tally.rows):
        return f"examples must be the {written:,} rows that were written; got {tally.rows:,}"
    return tally


def _rows_written(split: str, examples: Artifact) -> int | None:
    """By ExampleGen's own count, which a file that was cut between two records contradicts."""
    text = examples.get_string_custom_property(COUNTS_PROPERTY)
    counts = counts_from_json(text) if text else {}
    return counts[split].rows if split in counts else None


def _statistics(
    split: str, artifact: Artifact
) -> statistics_pb2.DatasetFeatureStatisticsList | None:
    path = _existing(split, artifact, BINARY_PB_BASENAME)
    try:
        return tfdv.load_stats_binary(path) if path is not None else None
    except message.DecodeError:
        return None


def _anomalies(split: str, artifact: Artifact) -> anomalies_pb2.Anomalies | None:
    path = _existing(split, artifact, ANOMALIES_FILE)
    try:
        if path is not None:
            return anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))
    except message.DecodeError:
        return None
    return None


def _existing(split: str, artifact: Artifact, name: str) -> str | None:
    folder = _folder(split, artifact)
    path = os.path.join(folder, name) if folder is not None else None
    return path if path is not None and fileio.exists(path) else None
