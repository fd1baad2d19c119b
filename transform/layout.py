"""What the transformed columns look like: the one place where the model learns its table sizes."""

from dataclasses import dataclass
from typing import Literal

import tensorflow as tf
import tensorflow_transform as tft

from rankbeam.transform.analysis import vocabulary
from rankbeam.transform.errors import DataError
from rankbeam.transform.plan import Plan, values_kept
from rankbeam.transform.specs.features import Feature, MultivalentFeature, NumericFeature
from rankbeam.transform.specs.options import TransformOptions


@dataclass(frozen=True)
class TransformedFeature:
    """One transformed feature.

    Attributes:
        name: Name of the feature and of its transformed column.
        kind: The spec's kind.
        index_size: Rows of its embedding table, index 0 (missing) included; None for a float.
        max_values: Values per impression.
        embedding_dim: Embedding width; None for the model's default, and for a float.
        combiner: How the embeddings of a multivalent feature are pooled, else None.
        has_indicator: Whether the column `<name>__missing` exists.
    """

    name: str
    kind: Literal["id", "categorical", "multivalent", "numeric"]
    index_size: int | None
    max_values: int
    embedding_dim: int | None
    combiner: Literal["mean", "sum", "sqrtn"] | None
    has_indicator: bool


def read_layout(
    transform_output_dir: str, options: TransformOptions
) -> dict[str, TransformedFeature]:
    """The transformed features of a finished transform, in the order of `options`.

    Args:
        transform_output_dir: The `transform_graph` artifact's folder.
        options: What the transform was made with.

    Raises:
        DataError: The folder holds no transform of this kind, or one of other features.
    """
    path = asset_path(transform_output_dir)
    sizes = vocabulary.read_header(path).sizes
    expected = [column.name for column in Plan.of(options).vocabulary]
    if list(sizes) != expected:
        raise DataError(
            f"{path} must hold the vocabularies of {', '.join(expected) or 'no feature'}; got "
            f"{', '.join(sizes) or 'none'}"
        )
    return {
        name: _transformed(name, feature, sizes.get(name))
        for name, feature in options.features.items()
    }


def read_vocabularies(transform_output_dir: str) -> dict[str, list[bytes]]:
    """The values of each feature's vocabulary in index order, the first at 1 + oov_buckets.

    Raises:
        DataError: The folder holds no transform of this kind.
    """
    return vocabulary.read(asset_path(transform_output_dir))


def transform_hash(transform_output_dir: str) -> str:
    """Hexadecimal SHA-256 of the feature specs and of everything learnt from the training split.

    Equal for two runs over the same rows, in whatever order they came.

    Raises:
        DataError: The folder holds no transform of this kind.
    """
    return vocabulary.read_header(asset_path(transform_output_dir)).digest


def asset_path(transform_output_dir: str) -> str:
    """Path of the vocabulary asset.

    Raises:
        DataError: There is none.
    """
    saved_model: str = tft.TFTransformOutput(transform_output_dir).transform_savedmodel_dir
    path = f"{saved_model}/{tf.saved_model.ASSETS_DIRECTORY}/{vocabulary.FILE_NAME}"
    if not tf.io.gfile.exists(path):
        raise DataError(f"{transform_output_dir} must be a finished transform; it has no {path}")
    return path


def _transformed(name: str, feature: Feature, vocabulary_size: int | None) -> TransformedFeature:
    return TransformedFeature(
        name=name,
        kind=feature.kind,
        index_size=_index_size(feature, vocabulary_size),
        max_values=values_kept(feature),
        embedding_dim=feature.embedding_dim,
        combiner=feature.combiner if isinstance(feature, MultivalentFeature) else None,
        has_indicator=isinstance(feature, NumericFeature) and feature.missing_indicator,
    )


def _index_size(feature: Feature, vocabulary_size: int | None) -> int | None:
    if isinstance(feature, NumericFeature):
        return 1 + feature.bucket_count if feature.scaling == "quantile_buckets" else None
    if feature.hash_buckets is not None:
        return 1 + feature.hash_buckets
    assert vocabulary_size is not None  # read_layout compared the names
    return 1 + feature.oov_buckets + vocabulary_size
