"""The training transform as the Transform node left it, run on serialized tf.Examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from rankbeam.components.parity.logic import Array
from rankbeam.transform.errors import DataError


class TrainingTransform:
    """What training makes of raw examples; shares no graph with the exported model.

    Attributes:
        raw_spec: raw column -> tf.io parsing configuration.
    """

    def __init__(self, transform_graph: str, labels: Sequence[str]) -> None:
        """Reads a transform.

        Args:
            transform_graph: the artifact's folder.
            labels: raw columns that serving lacks; transformed columns of these names are no
                features.
        """
        self._output = tft.TFTransformOutput(transform_graph)
        self._layer = self._output.transform_features_layer()
        self._labels = frozenset(labels)
        self.raw_spec: Mapping[str, Any] = self._output.raw_feature_spec()

    def parse(self, rows: Sequence[bytes]) -> dict[str, tf.SparseTensor]:
        """Serialized tf.Examples as columns (B, ?), labels too.

        Raises:
            DataError: a row is no tf.Example, or a column is of another type.
        """
        examples = tf.constant(list(rows), tf.string, [len(rows)])
        try:
            parsed: dict[str, tf.SparseTensor] = tf.io.parse_example(examples, dict(self.raw_spec))
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
            raise DataError(f"examples must be what training parses; {error}") from error
        return parsed

    def features(self, columns: Mapping[str, tf.SparseTensor]) -> dict[str, Array]:
        """The transformed features of parsed rows, labels left out."""
        found = self._layer(dict(columns))
        return {name: values.numpy() for name, values in found.items() if name not in self._labels}
