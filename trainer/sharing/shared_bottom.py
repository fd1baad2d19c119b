"""Shared bottom: one network below all tasks.

    f_k(x) = mlp(x)    for every task k = 1..K

======  ================================  =======
symbol  meaning                           shape
======  ================================  =======
x       input                             (B, D)
f_k     what task k's tower reads         (B, H)
======  ================================  =======

Source: Caruana, "Multitask Learning", Machine Learning 28, 1997; as the baseline of Ma et al.,
"Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018,
section 3.1.
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from rankbeam.trainer.mlp import Mlp


class SharedBottomLayer(tf_keras.layers.Layer):
    """One perceptron whose output every task reads.

    Args:
        tasks: Number of tasks K.
        hidden: Widths of the network; empty passes the input on.
        dropout: Probability of dropping an activation while training.
        name: Layer name.
    """

    def __init__(
        self, tasks: int, hidden: Sequence[int], *, dropout: float = 0.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._tasks = tasks
        self._bottom = Mlp(hidden, dropout=dropout, name="bottom")

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, ...]:
        """Maps (B, D) to K times the same (B, H)."""
        return (self._bottom(x, training=training),) * self._tasks
