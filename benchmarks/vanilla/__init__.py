"""The other side of `benchmarks/dag.py`: the same task as a plain TFX pipeline."""

import rankbeam  # noqa: F401  # asks for Keras 2, which must happen before TensorFlow is imported
