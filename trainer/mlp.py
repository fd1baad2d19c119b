"""A plain multilayer perceptron, the block that towers, shared bottoms and deep networks share.

    h_0 = x,    h_l = dropout(relu(h_{l-1} W_l + b_l)),    l = 1..L

======  ==============  =====================
symbol  meaning         shape
======  ==============  =====================
x       input           (B, D)
W_l     weights         (H_{l-1}, H_l), H_0 = D
b_l     bias            (H_l,)
h_L     output          (B, H_L)
======  ==============  =====================
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras


class Mlp(tf_keras.layers.Layer):
    """Dense layers with ReLU, each followed by dropout; no widths make it the identity.

    Args:
        hidden: Widths H_1..H_L; may be empty.
        dropout: Probability of dropping an activation while training.
        name: Layer name.
    """

    def __init__(
        self, hidden: Sequence[int], *, dropout: float = 0.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._dense = [tf_keras.layers.Dense(width, activation="relu") for width in hidden]
        self._dropout = [tf_keras.layers.Dropout(dropout) for _ in hidden if dropout]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps (B, D) to (B, H_L)."""
        for index, dense in enumerate(self._dense):
            x = dense(x)  # (B, H_l)
            if self._dropout:
                x = self._dropout[index](x, training=training)
        return x
