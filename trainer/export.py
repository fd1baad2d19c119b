"""Export: a SavedModel with the transform graph inside and several ways to ask it.

======================  ================================================================  =========
signature               inputs                                                            answer
======================  ================================================================  =========
``serving_default``     ``examples``: serialized tf.Examples, string (B,)                 outputs
``raw_tensors``         one dense tensor for each raw column, (B, 1) or, multivalent,     outputs
                        (B, V)
``transform_features``  ``examples``: serialized tf.Examples, string (B,)                 features
``classify_O``          see `rankbeam.trainer.task_signatures`                            output O
``regress_O``           the same                                                          output O
======================  ================================================================  =========

Outputs are the funnel's, by name, each float32 (B, 1). Features are what the training transform
makes of the same columns, by name; its labels are left out. The SavedModel needs TensorFlow alone
to load.
"""

from collections.abc import Callable, Mapping
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
from rankbeam.trainer.task_signatures import add_task_signatures
from rankbeam.transform.layout import transform_hash

RAW_TENSORS = "raw_tensors"
"""Name of the signature that takes one tensor for each raw column."""
TRANSFORM_FEATURES = "transform_features"
"""Name of the signature that answers what the model itself sees; the name is TFX's own."""


class ServingModule(tf.Module):
    """What is saved: the traced signatures, and the variables and tables that they use.

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
        layer = transform.transform_features_layer()
        self.tables = list(tf.train.TrackableView.children(layer).values())
        self.weights = list(model.variables)
        transformed = _transform(layer, raw_spec, served)

        def answer(columns: Mapping[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
            return structure.probabilities(model(transformed(columns), training=False))

        def from_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return answer(parse_examples(examples, served))

        def from_tensors(columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return answer(sparse_columns(columns))

        def features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            labels = {output.label for output in metadata.outputs}
            found = transformed(parse_examples(examples, served))
            return {name: values for name, values in found.items() if name not in labels}

        multivalent = {name: feature.multivalent for name, feature in metadata.features.items()}
        examples = tf.TensorSpec((None,), tf.string, name="examples")
        self.from_examples = _function(from_examples, examples)
        self.from_tensors = _function(from_tensors, dense_signature(served, multivalent))
        self.features = _function(features, examples)


def _transform(
    layer: tf_keras.layers.Layer, raw_spec: Mapping[str, Any], served: Mapping[str, Any]
) -> Callable[[Mapping[str, tf.SparseTensor]], dict[str, tf.Tensor]]:
    """Served columns to everything the transform makes; traced once for all signatures."""
    unserved = {name: raw_spec[name].dtype for name in raw_spec if name not in served}

    def transformed(columns: Mapping[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        # Columns that serving lacks, such as labels, are fed as missing: left to itself, the
        # layer makes placeholders for them in an order that changes between processes.
        rows = next(iter(columns.values())).dense_shape[0]
        absent = {name: absent_column(dtype, rows) for name, dtype in unserved.items()}
        return dict(layer({**columns, **absent}))

    columns = {name: tf.SparseTensorSpec((None, None), spec.dtype) for name, spec in served.items()}
    return _function(transformed, columns)  # type: ignore[no-any-return]


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
        TRANSFORM_FEATURES: module.features,
    }
    partial = f"{folder.rstrip('/')}.partial"
    if tf.io.gfile.exists(partial):
        tf.io.gfile.rmtree(partial)
    tf.saved_model.save(module, partial, signatures=signatures)
    canonicalise(partial, {safe: name for name, safe in safe_names(metadata.features).items()})
    add_task_signatures(partial, [output.name for output in metadata.outputs])
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
