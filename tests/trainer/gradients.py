"""The check that every weight of a model learns."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tf_keras


def assert_every_weight_learns(layer: tf_keras.layers.Layer, loss: Callable[[], tf.Tensor]) -> None:
    """Gradients of `loss` are finite and not all zero, for every trainable variable of `layer`."""
    with tf.GradientTape() as tape:
        value = loss()
    variables = layer.trainable_variables
    assert variables
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        assert gradient is not None, variable.name
        dense = tf.convert_to_tensor(gradient).numpy()
        assert np.all(np.isfinite(dense)), variable.name
        assert np.any(dense != 0), variable.name
