"""Cross network of DCN-v2, with a full or a low-rank weight matrix.

    full:      x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l                      (Eq. 1)
    low rank:  x_{l+1} = x_0 ⊙ (U_l (V_l^T x_l) + b_l) + x_l              (Eq. 2)

========  =================================  ========
symbol    meaning                            shape
========  =================================  ========
x_0       the network's input                (B, D)
x_l       input of cross layer l = 0..L-1    (B, D)
W_l       weights                            (D, D)
U_l, V_l  weights of rank R                  (D, R)
b_l       bias                               (D,)
========  =================================  ========

Each layer adds one degree to the products of input coordinates that the output can express.

Source: Wang et al., "DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale
Learning to Rank Systems", WWW 2021, section 3.2 (full) and 3.5 (low rank). One layer is
`tensorflow_recommenders`'s `Cross`.
"""

import tensorflow as tf
import tf_keras
from tensorflow_recommenders.layers.feature_interaction.dcn import Cross


class CrossNetwork(tf_keras.layers.Layer):
    """L cross layers over one input.

    Args:
        layers: Number of cross layers L.
        rank: Rank R of U and V; None for full matrices.
        name: Layer name.
    """

    def __init__(self, layers: int, *, rank: int | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self._cross = [
            Cross(projection_dim=rank, kernel_initializer="glorot_uniform") for _ in range(layers)
        ]

    def call(self, x0: tf.Tensor) -> tf.Tensor:
        """Maps (B, D) to (B, D)."""
        x = x0
        for cross in self._cross:
            x = cross(x0, x)  # (B, D)
        return x
