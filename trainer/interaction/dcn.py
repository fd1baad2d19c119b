"""Deep & Cross Network v2: a cross network combined with a deep network.

    stacked:   y = deep(cross(x))
    parallel:  y = [cross(x), deep(x)]

======  ============================  ==============================
symbol  meaning                       shape
======  ============================  ==============================
x       input                         (B, D)
y       output, stacked               (B, H), or (B, D) without deep
y       output, parallel              (B, D + H)
======  ============================  ==============================

H is the last width of the deep network.

Source: Wang et al., "DCN V2", WWW 2021, section 3.4.
"""

import tensorflow as tf
import tf_keras

from rankbeam.trainer.interaction.cross import CrossNetwork
from rankbeam.trainer.interaction.mixture import MixtureCrossNetwork
from rankbeam.trainer.mlp import Mlp
from rankbeam.trainer.specs import DcnInteraction


class DeepCross(tf_keras.layers.Layer):
    """The cross and the deep network that a `DcnInteraction` describes.

    Args:
        spec: Form of the cross network, widths of the deep one, and how they combine.
        name: Layer name.
    """

    def __init__(self, spec: DcnInteraction, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._cross = _cross_network(spec)
        self._deep = Mlp(spec.deep, dropout=spec.dropout, name="deep")
        self._parallel = spec.combine == "parallel"

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Maps (B, D) to the shape that the module's table gives."""
        crossed = self._cross(x)  # (B, D)
        if not self._parallel:
            return self._deep(crossed, training=training)  # (B, H)
        return tf.concat([crossed, self._deep(x, training=training)], axis=1)  # (B, D + H)


def _cross_network(spec: DcnInteraction) -> tf_keras.layers.Layer:
    if spec.form == "mixture":
        return MixtureCrossNetwork(
            spec.layers, experts=spec.expert_count, rank=spec.low_rank, name="cross"
        )
    rank = spec.low_rank if spec.form == "low_rank" else None
    return CrossNetwork(spec.layers, rank=rank, name="cross")
