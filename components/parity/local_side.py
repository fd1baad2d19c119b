"""What this process answers: by training's transform, and by the exported model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tensorflow.core.protobuf import saved_model_pb2

from rankbeam.components.parity.batches import Batches, joined
from rankbeam.components.parity.columns import Column, column_of
from rankbeam.components.parity.dense import dense_columns
from rankbeam.components.parity.logic import Answers, Array, Mask, within
from rankbeam.components.parity.training_side import TrainingTransform
from rankbeam.components.serving_checks.in_process import InProcessModel, load_model
from rankbeam.serving.errors import ModelNotServable
from rankbeam.serving.signature import signature_specs
from rankbeam.serving.versions import SAVED_MODEL_FILE

TRANSFORM_FEATURES = "transform_features"
RAW_TENSORS = "raw_tensors"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """The exported model in this process.

    Attributes:
        scores: the signature of the scores.
        features: the signature of the transformed features.
        columns: the raw columns that the model reads, from its dense signature.
    """

    scores: InProcessModel
    features: InProcessModel
    columns: tuple[Column, ...]

    @classmethod
    def load(cls, version: Path, signature: str) -> "LocalModel":
        """Loads a version folder.

        Raises:
            ModelNotServable: it cannot be loaded, or lacks a signature.
            EnvironmentFault: the machine is too poor to load it.
        """
        root = load_model(version)
        scores, features = (
            InProcessModel.of(root, name) for name in (signature, TRANSFORM_FEATURES)
        )
        return cls(scores, features, _dense_columns(version))


def _dense_columns(version: Path) -> tuple[Column, ...]:
    """The dense signature's inputs, by the names that a server knows them under.

    The signature's own record says them; the function that TensorFlow loads for it calls a column
    whose name is no Python identifier something else.
    """
    saved_model = saved_model_pb2.SavedModel.FromString((version / SAVED_MODEL_FILE).read_bytes())
    for meta_graph in saved_model.meta_graphs:
        if RAW_TENSORS in meta_graph.signature_def:
            inputs = signature_specs(meta_graph.signature_def[RAW_TENSORS])
            return tuple(column_of(name, inputs[name]) for name in sorted(inputs))
    raise ModelNotServable(f"model must have the signature {RAW_TENSORS!r}; it has none")


@dataclass(frozen=True, slots=True)
class Local:
    """What this process answers, by training's transform and by the exported model.

    Attributes:
        training: transformed features as training makes them.
        features: transformed features as the model makes them.
        scores: the model's scores, in batches.
        alone: the model's scores, one example at a time.
        tensors: the dense columns of each batch.
        said: whether the dense columns say an example in full.
        tame: whether an example's numbers are within the range of the real examples.
    """

    training: Answers
    features: Answers
    scores: Answers
    alone: Answers
    tensors: tuple[Mapping[str, Array], ...]
    said: Mask
    tame: Mask


def ask_locally(
    model: LocalModel, training: TrainingTransform, batches: Batches, real: Sequence[bytes]
) -> Local:
    """Asks training's transform and the model in this process.

    Args:
        model: the model.
        training: what it was trained with.
        batches: the examples.
        real: examples as they were logged.

    Raises:
        ModelNotServable: the model reads a column that training does not know, or fails on an
            example that the training transform takes.
        DataError: training cannot parse the examples.
    """
    strange = sorted({column.name for column in model.columns} - set(training.raw_spec))
    if strange:
        raise ModelNotServable(
            f"model must read columns that training knows; got {', '.join(strange)}"
        )
    trained, dense, said = [], [], []
    for batch in batches:
        parsed = training.parse(batch)
        trained.append(training.features(parsed))
        tensors, fully = dense_columns(parsed, model.columns, len(batch))
        dense.append(tensors)
        said.append(fully)
    features = joined(trained)
    return Local(
        training=features,
        features=batches.ask(model.features.ask),
        scores=batches.ask(model.scores.ask),
        alone=joined([model.scores.ask([row]) for row in batches.rows]),
        tensors=tuple(dense),
        said=np.concatenate(said),
        tame=within(features, training.features(training.parse(real))),
    )
