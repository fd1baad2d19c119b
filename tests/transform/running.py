"""Runs the real transform: Beam analyzers, then the saved transform."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam

from rankbeam.transform.preprocessing import preprocessing_fn
from rankbeam.transform.specs.options import CONFIG_KEY, TransformOptions

Row = Mapping[str, Sequence[Any]]
Matrices = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Transformed:
    """A finished transform.

    Attributes:
        matrices: (rows, width) of each transformed column, in the order of the rows.
        folder: What TFX would keep as the `transform_graph` artifact.
        raw_spec: Raw column to its parsing spec.
    """

    matrices: Matrices
    folder: str
    raw_spec: Mapping[str, Any]


def options_of(features: Mapping[str, Any], labels: Sequence[str] = ()) -> TransformOptions:
    """Options from plain dictionaries, as a config file would give them."""
    return TransformOptions.model_validate({"features": features, "labels": tuple(labels)})


def bound(options: TransformOptions) -> Callable[..., Any]:
    """`preprocessing_fn` with its config bound, as TFX's executor binds it."""
    return functools.partial(
        preprocessing_fn, custom_config={CONFIG_KEY: options.model_dump_json()}
    )


def run(
    rows: Sequence[Row],
    types: Mapping[str, tf.DType],
    function: Callable[..., Any],
    folder: Path,
    batch_size: int | None = None,
) -> Transformed:
    """Analyzes and transforms `rows`, whose columns are lists of values; absent means missing."""
    raw_spec = {name: tf.io.VarLenFeature(dtype) for name, dtype in types.items()}
    metadata = tft.DatasetMetadata.from_feature_spec(raw_spec)
    lists = [{name: list(row.get(name, ())) for name in types} for row in rows]
    with tft_beam.Context(temp_dir=str(folder / "temp"), desired_batch_size=batch_size):
        (transformed, _), transform_fn = (
            lists,
            metadata,
        ) | tft_beam.AnalyzeAndTransformDataset(function)
        transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    names = transformed[0]
    matrices = {name: np.stack([np.ravel(row[name]) for row in transformed]) for name in names}
    return Transformed(matrices, str(folder / "graph"), raw_spec)


def serialized(row: Row, types: Mapping[str, tf.DType]) -> bytes:
    """One row as tf.Example; missing values have no feature."""
    example = tf.train.Example()
    for name, values in row.items():
        feature = example.features.feature[name]
        if types[name] == tf.string:
            feature.bytes_list.value.extend(values)
        elif types[name] == tf.int64:
            feature.int64_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    return bytes(example.SerializeToString())


def apply_layer(done: Transformed, rows: Sequence[Row], types: Mapping[str, tf.DType]) -> Matrices:
    """Transforms `rows` with the saved transform as serving does; `types` says which columns."""
    layer = tft.TFTransformOutput(done.folder).transform_features_layer()
    examples = [
        serialized({name: row[name] for name in row if name in types}, types) for row in rows
    ]
    spec = {name: done.raw_spec[name] for name in types}
    raw = tf.io.parse_example(tf.constant(examples, tf.string, [len(examples)]), spec)
    return {name: tensor.numpy() for name, tensor in layer(raw).items()}
