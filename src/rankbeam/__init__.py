"""Rankbeam: multi-task ranking pipelines on TFX, from impression logs to TensorFlow Serving.

The subpackages are the project's root folders; each one's docstring says what belongs in it.
"""

import os

# tensorflow-recommenders and the official TFX image need Keras 2 (tf_keras). This is the one
# place that chooses it; `rankbeam.trainer.keras_check` verifies that the choice took effect.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

__version__ = "0.1.0"
