"""Export: a SavedModel with the transform graph inside and two ways to ask it.

==================  ===================================================================
signature           inputs
==================  ===================================================================
``serving_default`` ``examples``: serialized tf.Examples, string (B,)
``raw_tensors``     one dense tensor for each raw column, (B, 1) or, multivalent, (B, V)
==================  ===================================================================

Both answer the funnel's outputs by name, each float32 (B, 1). The SavedModel needs TensorFlow alone
to load.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from rankbeam.trainer.canonical import canonicalise
from rankbeam.trainer.metadata import METADATA_PATH, ModelMetadata, describe
from rankbeam.trainer.raw_inputs import (
    absent_column,
    dense_signature,
    parse_examples,
    safe_names,
    sparse_columns,
)
from rankbeam.trainer.specs import TrainerOptions
from rankbeam.trainer.structure.base import Structure
from rankbeam.transform.layout import transform_hash

RAW_TENSORS = "raw_tensors"
"""Name of the signature that takes one tensor for each raw column."""


class ServingModule(tf.Module):
    """What is saved: the two signatures, and the variables and tables that they use.

    The model and the transform layer themselves are not attributes: saving a Keras layer traces it
    once more and, for the transform layer, transpiles Keras with AutoGraph (7 of 10 seconds).

    Args:
        model: Transformed features to logits.
        structure: Logits to outputs.
        transform: Transform's output.
        metadata: The raw columns to ask for.
    """

    def __init__(
        self,
        model: tf_keras.layers.Layer,
        structure: Structure,
        transform: tft.TFTransformOutput,
        metadata: ModelMetadata,
    ) -> None:
        super().__init__(name="rankbeam")
        raw_spec = transform.raw_feature_spec()
        served = {name: raw_spec[name] for name in metadata.features}
        unserved = {name: raw_spec[name].dtype for name in raw_spec if name not in served}
        layer = transform.transform_features_layer()
        self.tables = list(tf.train.TrackableView.children(layer).values())
        self.weights = list(model.variables)

        def answer(columns: Mapping[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
            # Columns that serving lacks, such as labels, are fed as missing: left to itself, the
            # layer makes placeholders for them in an order that changes between processes.
            rows = next(iter(columns.values())).dense_shape[0]
            absent = {name: absent_column(dtype, rows) for name, dtype in unserved.items()}
            return structure.probabilities(model(layer({**columns, **absent}), training=False))

        def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return answer(parse_examples(examples, served))

        def from_tensors(columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return answer(sparse_columns(columns))

        multivalent = {name: feature.multivalent for name, feature in metadata.features.items()}
        self.from_examples = _function(
            from_examples, tf.TensorSpec((None,), tf.string, name="examples")
        )
        self.from_tensors = _function(from_tensors, dense_signature(served, multivalent))


def export_model(
    model: tf_keras.layers.Layer,
    structure: Structure,
    transform_output: str,
    options: TrainerOptions,
    folder: str,
) -> ModelMetadata:
    """Writes the SavedModel and its metadata; `folder` appears whole or not at all.

    Args:
        model: A built model, transformed features to logits.
        structure: Logits to outputs.
        transform_output: Folder of Transform's `transform_graph`.
        options: What the Trainer was told.
        folder: Where to write; must not exist.
    """
    transform = tft.TFTransformOutput(transform_output)
    metadata = describe(options, transform.raw_feature_spec(), transform_hash(transform_output))
    module = ServingModule(model, structure, transform, metadata)
    signatures = {
        tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: module.from_examples,
        RAW_TENSORS: module.from_tensors,
    }
    partial = f"{folder.rstrip('/')}.partial"
    if tf.io.gfile.exists(partial):
        tf.io.gfile.rmtree(partial)
    tf.saved_model.save(module, partial, signatures=signatures)
    canonicalise(partial, {safe: name for name, safe in safe_names(metadata.features).items()})
    _write_metadata(metadata, partial)
    tf.io.gfile.rename(partial, folder)
    return metadata


def _function(python_function: Any, signature: Any) -> Any:
    return tf.function(python_function, input_signature=(signature,), autograph=False)


def _write_metadata(metadata: ModelMetadata, folder: str) -> None:
    path = tf.io.gfile.join(folder, *METADATA_PATH)
    tf.io.gfile.makedirs(tf.io.gfile.join(folder, METADATA_PATH[0]))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(metadata.model_dump_json(indent=2) + "\n")
