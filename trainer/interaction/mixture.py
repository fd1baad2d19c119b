"""Cross network of DCN-v2 whose weights are a gated mixture of low-rank experts.

    x_{l+1} = sum_i G_i(x_l) E_i(x_l) + x_l                               (Eq. 3)
    E_i(x_l) = x_0 ⊙ (U_i tanh(C_i tanh(V_i^T x_l)) + b_i)                (Eq. 4)
    G(x_l) = softmax(x_l A)

======  =============================================  ============
symbol  meaning                                        shape
======  =============================================  ============
x_0     the network's input                            (B, D)
x_l     input of cross layer l = 0..L-1                (B, D)
V_i     projection of expert i into R dimensions       (D, R)
C_i     expert i's own map inside them                 (R, R)
U_i     projection back                                (D, R)
b_i     bias of expert i                               (D,)
A       gate weights                                   (D, E)
G       gate probabilities                             (B, E)
======  =============================================  ============

Every layer has its own matrices; the index l is left out of them.

Source: Wang et al., "DCN V2", WWW 2021, section 3.5. The paper leaves the gating function and the
non-linearity open; softmax and tanh are taken here.
"""

import tensorflow as tf
import tf_keras

from rankbeam.trainer.experts import PerExpertGlorot, mix


class LowRankMixtureCross(tf_keras.layers.Layer):
    """One cross layer as a mixture of E low-rank experts.

    Args:
        experts: Number of experts E.
        rank: Rank R of each expert.
        name: Layer name.
    """

    def __init__(self, experts: int, rank: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._experts = experts
        self._rank = rank
        self._gate = tf_keras.layers.Dense(experts, activation="softmax", use_bias=False)

    def build(self, input_shape: tf.TensorShape) -> None:
        """Creates V, C, U and b of all experts."""
        experts, rank, width = self._experts, self._rank, int(input_shape[-1])
        glorot = PerExpertGlorot()
        self._v = self.add_weight("v", (experts, width, rank), initializer=glorot)
        self._c = self.add_weight("c", (experts, rank, rank), initializer=glorot)
        self._u = self.add_weight("u", (experts, rank, width), initializer=glorot)
        self._b = self.add_weight("b", (experts, 1, width), initializer="zeros")
        super().build(input_shape)

    def call(self, x0: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Maps x_0 (B, D) and x_l (B, D) to x_{l+1} (B, D)."""
        low = tf.tanh(tf.matmul(x[tf.newaxis], self._v))  # (E, B, R)
        low = tf.tanh(tf.matmul(low, self._c))  # (E, B, R)
        experts = x0 * (tf.matmul(low, self._u) + self._b)  # (E, B, D)
        gate = self._gate(x)  # (B, E)
        return mix(gate, tf.transpose(experts, (1, 0, 2))) + x


class MixtureCrossNetwork(tf_keras.layers.Layer):
    """L mixture cross layers over one input.

    Args:
        layers: Number of cross layers L.
        experts: Number of experts E of each layer.
        rank: Rank R of each expert.
        name: Layer name.
    """

    def __init__(self, layers: int, *, experts: int, rank: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self._cross = [LowRankMixtureCross(experts, rank) for _ in range(layers)]

    def call(self, x0: tf.Tensor) -> tf.Tensor:
        """Maps (B, D) to (B, D)."""
        x = x0
        for cross in self._cross:
            x = cross(x0, x)  # (B, D)
        return x
