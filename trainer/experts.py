"""Several perceptrons of one shape over one input, computed together.

    h_{e,0} = x,    h_{e,l} = dropout(relu(h_{e,l-1} W_{e,l} + b_{e,l})),    e = 1..E

==========  =========================  ======================
symbol      meaning                    shape
==========  =========================  ======================
x           input                      (B, D)
W_l         weights of all experts     (E, H_{l-1}, H_l), H_0 = D
b_l         biases of all experts      (E, 1, H_l)
output      the experts' h_{e,L}       (B, E, H_L)
==========  =========================  ======================

One batched product in place of E small ones: the step has fewer operations, and tracing it takes
less time. Mixtures of experts and progressive layered extraction are built on it.
"""

from collections.abc import Sequence
from itertools import pairwise

import tensorflow as tf
import tf_keras


class PerExpertGlorot(tf_keras.initializers.Initializer):
    """Glorot-uniform for each expert's own matrix; over (E, D, H) it would count E as fan-in."""

    def __call__(self, shape: Sequence[int], dtype: tf.DType = None, **kwargs: object) -> tf.Tensor:
        """Returns (E, D, H) values, uniform within sqrt(6 / (D + H)) of 0."""
        _, fan_in, fan_out = shape
        limit = (6.0 / (fan_in + fan_out)) ** 0.5
        uniform = tf_keras.initializers.RandomUniform(-limit, limit)
        return uniform(shape, dtype=dtype)


class Experts(tf_keras.layers.Layer):
    """E perceptrons with ReLU over the same input.

    Args:
        count: Number of experts E.
        hidden: Widths H_1..H_L of each expert; at least one.
        dropout: Probability of dropping an activation while training.
        name: Layer name.
    """

    def __init__(
        self, count: int, hidden: Sequence[int], *, dropout: float = 0.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._count = count
        self._hidden = tuple(hidden)
        self._dropout = [tf_keras.layers.Dropout(dropout) for _ in hidden if dropout]

    def build(self, input_shape: tf.TensorShape) -> None:
        """Creates the weights of every layer."""
        widths = [int(input_shape[-1]), *self._hidden]
        self._kernels = [
            self.add_weight(
                f"kernel_{layer}", (self._count, width_in, width_out), initializer=PerExpertGlorot()
            )
            for layer, (width_in, width_out) in enumerate(pairwise(widths))
        ]
        self._biases = [
            self.add_weight(f"bias_{layer}", (self._count, 1, width), initializer="zeros")
            for layer, width in enumerate(self._hidden)
        ]
        super().build(input_shape)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps (B, D) to (B, E, H_L)."""
        hidden = x[tf.newaxis]  # (1, B, D), the same input for every expert
        for layer, (kernel, bias) in enumerate(zip(self._kernels, self._biases, strict=True)):
            hidden = tf.nn.relu(tf.matmul(hidden, kernel) + bias)  # (E, B, H_l)
            if self._dropout:
                hidden = self._dropout[layer](hidden, training=training)
        return tf.transpose(hidden, (1, 0, 2))  # (B, E, H_L)


def mix(gate: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Weighted sum over experts: gate (B, E), outputs (B, E, H) to (B, H)."""
    return tf.linalg.matvec(outputs, gate, transpose_a=True)
