"""Optimizers: Adam, Adagrad or SGD, with cosine decay and gradient clipping.

    η_t = η / 2 · (1 + cos(π t / T))    with decay cosine, over T steps in all; else η_t = η

Sources: Kingma and Ba, "Adam", ICLR 2015; Duchi et al., "Adaptive Subgradient Methods", JMLR 2011;
Loshchilov and Hutter, "SGDR", ICLR 2017, Eq. (5) without restarts.
"""

import tf_keras

from rankbeam.trainer.specs import OptimizerSpec

_KINDS = {
    "adam": tf_keras.optimizers.Adam,
    "adagrad": tf_keras.optimizers.Adagrad,
    "sgd": tf_keras.optimizers.SGD,
}


def build_optimizer(spec: OptimizerSpec, total_steps: int) -> tf_keras.optimizers.Optimizer:
    """The optimizer that `spec` describes.

    Args:
        spec: Kind, learning rate, decay and clipping.
        total_steps: Number of training steps T; at least 1.
    """
    rate = spec.learning_rate
    if spec.decay == "cosine":
        rate = tf_keras.optimizers.schedules.CosineDecay(rate, total_steps)
    return _KINDS[spec.kind](learning_rate=rate, global_clipnorm=spec.clip_norm)
