"""One start for every training, whatever the process did before."""

import random

import tensorflow as tf
import tf_keras


def start_afresh(seed: int) -> None:
    """Makes what follows repeatable: operations, random numbers and names of layers.

    Operations stay deterministic for the rest of the process; TensorFlow has no way back.

    Keras 2 draws the seeds of initializers and dropout from Python's generator. Its own
    `set_random_seed` is not used: it asks for a random integer below a float, which newer Pythons
    refuse.

    Args:
        seed: Any non-negative integer.
    """
    tf_keras.backend.clear_session()  # else the names of layers, hence of weights, count on
    tf.config.experimental.enable_op_determinism()
    random.seed(seed)
    tf.random.set_seed(seed)
