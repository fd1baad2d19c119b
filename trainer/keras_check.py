"""The one check that TensorFlow runs the Keras 2 that Rankbeam is written for.

`rankbeam/__init__.py` asks for it (`TF_USE_LEGACY_KERAS=1`); whoever imported TensorFlow's Keras
earlier, or set the variable to 0, gets Keras 3, whose layers tensorflow-recommenders and Transform
cannot use.
"""

import os

import tensorflow as tf
import tf_keras

from rankbeam.transform.errors import EnvironmentFault


def check_legacy_keras() -> None:
    """Passes when `tf.keras` is `tf_keras`, that is Keras 2.

    Raises:
        EnvironmentFault: It is another Keras.
    """
    base = tf.keras.layers.Layer
    if base is not tf_keras.layers.Layer:
        setting = os.environ.get("TF_USE_LEGACY_KERAS", "unset")
        raise EnvironmentFault(
            "TF_USE_LEGACY_KERAS must be 1 before TensorFlow is imported; "
            f"got tf.keras from {base.__module__} with TF_USE_LEGACY_KERAS {setting}"
        )
