"""Hand-made scorers on a real transform: one that is right, and each way to be wrong.

score = sigmoid(0.1 device + 0.01 sum(interests) + 0.2 age + 0.05 partner), of transformed features.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from rankbeam.trainer.raw_inputs import (
    absent_column,
    dense_signature,
    parse_examples,
    sparse_columns,
)

LABELS = ("click",)
FAULTS = ("", "feature", "batch", "nan", "tensors", "unserved")


class Scorer(tf.Module):
    """The three signatures that the trainer exports; `fault` says which of them goes wrong how."""

    def __init__(self, transform: tft.TFTransformOutput, fault: str) -> None:
        super().__init__()
        self.fault = fault
        layer = transform.transform_features_layer()
        self.tables = list(tf.train.TrackableView.children(layer).values())
        # A method, not the layer: saving a Keras layer traces it once more.
        self._transform = layer.call
        raw_spec = transform.raw_feature_spec()
        self._served = served = {
            name: spec for name, spec in raw_spec.items() if name not in LABELS
        }
        multivalent = {name: name == "interests" for name in served}
        self.traced = {
            "serving_default": self._function(self.from_examples),
            "transform_features": self._function(self.transformed),
            "raw_tensors": tf.function(
                self.from_tensors,
                autograph=False,
                input_signature=(dense_signature(served, multivalent),),
            ),
        }

    def from_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores of serialized tf.Examples."""
        return self._scores(self._features(parse_examples(examples, self._served)))

    def transformed(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transformed features of serialized tf.Examples."""
        features = self._features(parse_examples(examples, self._served))
        if self.fault == "unserved":
            features.pop("partner")
        return features

    def from_tensors(self, columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Scores of dense columns."""
        if self.fault == "tensors":  # a missing age becomes 0 years
            age = columns["age"]
            columns = {**columns, "age": tf.where(tf.math.is_nan(age), 0.0, age)}
        return self._scores(self._features(sparse_columns(columns)))

    def _features(self, columns: Mapping[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        rows = next(iter(columns.values())).dense_shape[0]
        labels = {name: absent_column(tf.int64, rows) for name in LABELS}
        found = dict(self._transform({**columns, **labels}))
        features = {name: found[name] for name in found if name not in LABELS}
        if self.fault == "feature":  # the last bit of age, where the device is unknown
            odd = tf.math.nextafter(features["age"], tf.constant(10.0))
            features["age"] = tf.where(features["device"] <= 1, odd, features["age"])
        return features

    def _scores(self, features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        device, partner = (tf.cast(features[name], tf.float32) for name in ("device", "partner"))
        interests = tf.reduce_sum(tf.cast(features["interests"], tf.float32), axis=1, keepdims=True)
        x = 0.1 * device + 0.01 * interests + 0.2 * features["age"] + 0.05 * partner
        score = tf.sigmoid(x)
        if self.fault == "batch":
            score = 0.9 * score + 0.1 * tf.reduce_mean(score)
        if self.fault == "nan":  # where no device is given
            score = tf.where(features["device"] == 0, float("nan"), score)
        return {"click": score, "half": 0.5 * score}

    @staticmethod
    def _function(method: Any) -> Any:
        spec = tf.TensorSpec((None,), tf.string, name="examples")
        return tf.function(method, autograph=False, input_signature=(spec,))


def save(folder: Path, transform_graph: str, fault: str = "", digest: str = "") -> Path:
    """Saves a scorer; `digest` is the transform that it claims to hold."""
    transform = tft.TFTransformOutput(transform_graph)
    scorer = Scorer(transform, fault)
    tf.saved_model.save(scorer, str(folder), signatures=scorer.traced)
    if digest:
        extra = folder / "assets.extra"
        extra.mkdir()
        (extra / "rankbeam.json").write_text(json.dumps({"transform_digest": digest}))
    return folder
