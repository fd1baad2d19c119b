"""The SavedModel as a peer's documentation has it called: loaded once, its signature a function."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks.serving_peers import frames


class Scorer:
    """`serving_default` of one version folder."""

    def __init__(self, path: str) -> None:
        self._root = tf.saved_model.load(path)  # owns the variables that the signature uses
        self._call = self._root.signatures["serving_default"]

    def scores(self, examples: list[bytes]) -> npt.NDArray[np.float32]:
        """Scores (B, outputs) of serialized tf.Examples; outputs in the order of their names."""
        found = self._call(examples=tf.constant(examples))
        columns = [found[name].numpy().reshape(-1) for name in sorted(found)]
        scores: npt.NDArray[np.float32] = np.stack(columns, axis=1).astype("<f4", copy=False)
        return scores

    def answer(self, body: bytes) -> bytes:
        """The answer to a raw body (see `frames`)."""
        return self.scores(frames.unpack(body)).tobytes()
