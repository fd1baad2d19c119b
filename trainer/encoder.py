"""Encoder: transformed features to one vector for each impression.

    e_f   = T_f[i_f]                            one index (id, categorical, bucketized numeric)
    e_f   = pool_{v : i_fv ≠ 0} T_f[i_fv]       a bag of indices; 0 is padding
    x     = dropout([e_1, ..., e_F, n])

=======  ==============================================  ==========
symbol   meaning                                         shape
=======  ==============================================  ==========
i_f      index of feature f                              (B, 1)
i_fv     indices of bag f, padded with 0 on the right    (B, V_f)
T_f      embedding table of feature f                    (N_f, D_f)
e_f      vector of feature f                             (B, D_f)
n        numeric inputs and missing-value indicators     (B, M)
x        output                                          (B, D)
=======  ==============================================  ==========

D = sum of the D_f plus M. The pool is the mean, the sum, or the sum divided by the square root of
the number of values; an empty bag gives zeros. With `l2` = λ the layer adds the loss

    λ / B · sum over rows, features and values of ‖T_f[i]‖²

over the embeddings that the batch looks up (padding aside), so rare rows of a table decay no
faster than they are seen.

A table starts uniform in ±a_f: a_f = 0.05, or a_f = 1 / √N_f with `embedding_init: table_size`.
Products of two small tables then start some forty times larger, so that crosses of them are learnt
in fewer steps, while ids start near 0, where an unseen or rare row belongs. The second range is
that of DLRM's published code (Naumov et al., "Deep Learning Recommendation Model for
Personalization and Recommendation Systems", 2019).
"""

import re
from collections.abc import Mapping

import tensorflow as tf
import tf_keras

from rankbeam.trainer.specs import EncoderSpec
from rankbeam.transform.layout import TransformedFeature
from rankbeam.transform.specs.options import indicator_name

_FIXED_BOUND = 0.05


class Encoder(tf_keras.layers.Layer):
    """Embeds, pools and concatenates transformed features.

    Args:
        layout: Transformed features by name; their order is the order of the output's blocks.
        spec: Default embedding width, L2 penalty and dropout.
        name: Layer name.
    """

    def __init__(
        self,
        layout: Mapping[str, TransformedFeature],
        spec: EncoderSpec,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._layout = dict(layout)
        self._spec = spec
        self._dropout = tf_keras.layers.Dropout(spec.dropout) if spec.dropout else None

    def build(self, input_shape: object) -> None:
        """Creates one embedding table for each indexed feature."""
        self._tables = {
            name: self.add_weight(
                "embedding_" + re.sub(r"[^A-Za-z0-9_.-]", "_", name),  # a TensorFlow scope name
                (feature.index_size, feature.embedding_dim or self._spec.embedding_dim),
                initializer=self._initializer(feature.index_size),
            )
            for name, feature in self._layout.items()
            if feature.index_size is not None
        }
        super().build(input_shape)

    def _initializer(self, rows: int) -> tf_keras.initializers.Initializer:
        bound = rows**-0.5 if self._spec.embedding_init == "table_size" else _FIXED_BOUND
        return tf_keras.initializers.RandomUniform(-bound, bound)

    def call(self, features: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Maps the transformed features, each (B, 1) or (B, V), to (B, D)."""
        parts: list[tf.Tensor] = []
        numeric: list[tf.Tensor] = []
        for name, feature in self._layout.items():
            if feature.index_size is None:
                numeric.append(features[name])  # (B, 1)
            elif feature.combiner is None:
                parts.append(self._look_up_one(name, features[name]))  # (B, D_f)
            else:
                parts.append(self._look_up_bag(name, features[name], feature.combiner))
            if feature.has_indicator:
                numeric.append(features[indicator_name(name)])  # (B, 1)
        x = tf.concat(parts + numeric, axis=1)  # (B, D)
        return x if self._dropout is None else self._dropout(x, training=training)

    def _look_up_one(self, name: str, indices: tf.Tensor) -> tf.Tensor:
        vectors = tf.gather(self._tables[name], indices[:, 0])  # (B, D_f)
        self._penalise(vectors, tf.shape(indices)[0])
        return vectors

    def _look_up_bag(self, name: str, indices: tf.Tensor, combiner: str) -> tf.Tensor:
        mask = tf.cast(indices != 0, tf.float32)[:, :, tf.newaxis]  # (B, V, 1)
        vectors = tf.gather(self._tables[name], indices) * mask  # (B, V, D_f)
        self._penalise(vectors, tf.shape(indices)[0])
        total = tf.reduce_sum(vectors, axis=1)  # (B, D_f)
        if combiner == "sum":
            return total
        count = tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)  # (B, 1)
        return total / (tf.sqrt(count) if combiner == "sqrtn" else count)

    def _penalise(self, vectors: tf.Tensor, rows: tf.Tensor) -> None:
        if self._spec.embedding_l2:
            squares = tf.reduce_sum(tf.square(vectors))
            self.add_loss(self._spec.embedding_l2 * squares / tf.cast(rows, tf.float32))
