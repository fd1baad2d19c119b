"""What an exported model says about itself, in `assets.extra/rankbeam.json` beside the SavedModel.

A client or server can build requests and name answers from this file alone.
"""

from collections.abc import Mapping
from typing import Any, Literal

import tensorflow as tf
from pydantic import Field

import rankbeam
from rankbeam.trainer.specs import ModelSpec, TrainerOptions
from rankbeam.transform.specs.base import StrictModel
from rankbeam.transform.specs.features import MultivalentFeature, column_of
from rankbeam.transform.specs.tasks import TaskSpec

METADATA_PATH = ("assets.extra", "rankbeam.json")
"""Path of the file below the SavedModel's folder."""

RawType = Literal["string", "int", "float"]
_TYPES: dict[Any, RawType] = {tf.string: "string", tf.int64: "int", tf.float32: "float"}


class OutputMetadata(StrictModel):
    """One answer of the model; see `rankbeam.transform.funnel.Output`."""

    name: str
    task: str
    label: str
    given_label: str | None


class RawFeature(StrictModel):
    """One column of a request."""

    type: RawType
    multivalent: bool


class ModelMetadata(StrictModel):
    """The contents of `rankbeam.json`.

    Attributes:
        rankbeam_version: Version of Rankbeam that wrote the model.
        outputs: Answers of `serving_default` and of `raw_tensors`, in order.
        features: Raw column to its type.
        tasks: The funnel.
        model: The four choices that the model is composed of.
        transform_digest: `rankbeam.transform.layout.transform_hash`, to tell apart requests that
            were logged under another transform.
    """

    rankbeam_version: str
    outputs: tuple[OutputMetadata, ...]
    features: Mapping[str, RawFeature]
    tasks: Mapping[str, TaskSpec]
    model: ModelSpec
    transform_digest: str = Field(pattern="^[0-9a-f]{64}$")


def describe(options: TrainerOptions, raw_spec: Mapping[str, Any], digest: str) -> ModelMetadata:
    """Metadata of a model trained with `options`.

    Args:
        options: What the Trainer was told.
        raw_spec: Raw column to tf.io parsing configuration.
        digest: Hash of the transform.
    """
    features = {
        column_of(name, feature): RawFeature(
            type=_TYPES[raw_spec[column_of(name, feature)].dtype],
            multivalent=isinstance(feature, MultivalentFeature),
        )
        for name, feature in options.transform.features.items()
    }
    outputs = tuple(
        OutputMetadata(name=o.name, task=o.task, label=o.label, given_label=o.given_label)
        for o in options.funnel.outputs
    )
    return ModelMetadata(
        rankbeam_version=rankbeam.__version__,
        outputs=outputs,
        features=features,
        tasks=options.tasks,
        model=options.model,
        transform_digest=digest,
    )
