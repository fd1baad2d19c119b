"""Task towers: one small network for each task, ending in one logit.

    z_k = mlp_k(f_k(x)) w_k + b_k

======  ==============================  =======
symbol  meaning                         shape
======  ==============================  =======
f_k(x)  what the sharing gives task k   (B, H)
w_k     output weights                  (H', 1)
b_k     output bias                     (1,)
z_k     logit of task k                 (B, 1)
======  ==============================  =======

H' is the tower's last width, or H where it has no hidden layer.
"""

from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from rankbeam.trainer.mlp import Mlp


class Tower(tf_keras.layers.Layer):
    """The network of one task.

    Args:
        hidden: Widths; empty makes the tower a logistic regression.
        dropout: Probability of dropping an activation while training.
        name: Layer name.
    """

    def __init__(
        self, hidden: Sequence[int], *, dropout: float = 0.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._hidden = Mlp(hidden, dropout=dropout, name="hidden")
        self._logit = tf_keras.layers.Dense(1, name="logit")

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps (B, H) to logits (B, 1)."""
        return self._logit(self._hidden(x, training=training))
