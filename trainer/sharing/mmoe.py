"""Multi-gate mixture of experts (MMoE).

    f_k(x) = sum_e g_k(x)_e h_e(x)                                        (Eq. 6)
    g_k(x) = softmax(x W_k)                                               (Eq. 7)

======  =========================================  =========
symbol  meaning                                    shape
======  =========================================  =========
x       input                                      (B, D)
h_e     output of expert e = 1..E, a perceptron    (B, H)
W_k     gate weights of task k = 1..K              (D, E)
g_k     gate probabilities of task k               (B, E)
f_k     what task k's tower reads                  (B, H)
======  =========================================  =========

With `gate_dropout`, each gate probability is dropped with that rate while training and the rest
are scaled to sum to 1 again; a row that would lose all of them keeps all. It keeps a gate from
settling on one expert (Zhao et al., "Recommending What Video to Watch Next: A Multitask Ranking
System", RecSys 2019).

Source: Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
Mixture-of-Experts", KDD 2018, section 4.2.
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from rankbeam.trainer.experts import Experts, mix


class Mmoe(tf_keras.layers.Layer):
    """E shared experts and one softmax gate for each task.

    Args:
        tasks: Number of tasks K.
        experts: Number of experts E.
        hidden: Widths of each expert; at least one.
        dropout: Probability of dropping an expert's activation while training.
        gate_dropout: Probability of dropping a gate probability while training.
        name: Layer name.
    """

    def __init__(
        self,
        tasks: int,
        experts: int,
        hidden: Sequence[int],
        *,
        dropout: float = 0.0,
        gate_dropout: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._experts = Experts(experts, hidden, dropout=dropout, name="experts")
        self._gates = [
            tf_keras.layers.Dense(experts, activation="softmax", use_bias=False, name=f"gate_{k}")
            for k in range(tasks)
        ]
        self._gate_dropout = tf_keras.layers.Dropout(gate_dropout) if gate_dropout else None

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """Maps (B, D) to K tensors (B, H)."""
        outputs = self._experts(x, training=training)  # (B, E, H)
        gates = [self._drop(gate(x), training) for gate in self._gates]  # K of (B, E)
        return tuple(mix(gate, outputs) for gate in gates)

    def _drop(self, gate: tf.Tensor, training: bool) -> tf.Tensor:
        if self._gate_dropout is None or not training:
            return gate
        kept = self._gate_dropout(gate, training=True)  # (B, E)
        total = tf.reduce_sum(kept, axis=1, keepdims=True)  # (B, 1)
        return tf.where(total > 0, tf.math.divide_no_nan(kept, total), gate)
