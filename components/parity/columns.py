"""The raw columns that a model reads, as mutations and dense requests need to know them."""

from dataclasses import dataclass

import tensorflow as tf

from rankbeam.transform.errors import DataError


@dataclass(frozen=True, slots=True)
class Column:
    """One raw column of a request.

    Attributes:
        name: the column's name.
        dtype: tf.string, tf.int64 or tf.float32.
        multivalent: whether the dense form takes several values of a row.
    """

    name: str
    dtype: tf.DType
    multivalent: bool

    def values(self, feature: tf.train.Feature) -> list[bytes | int | float]:
        """The values that a tf.Example's feature has, of this column's type."""
        return list(getattr(feature, self._kind).value)

    def feature(self, values: list[bytes] | list[int] | list[float]) -> tf.train.Feature:
        """A tf.Example's feature with these values; a list of this column's kind even if empty."""
        feature = tf.train.Feature()
        found = getattr(feature, self._kind)
        found.SetInParent()
        found.value.extend(values)
        return feature

    @property
    def _kind(self) -> str:
        return _KINDS[self.dtype]


_KINDS = {tf.string: "bytes_list", tf.int64: "int64_list", tf.float32: "float_list"}


def column_of(name: str, spec: tf.TensorSpec) -> Column:
    """A column from the dense signature's input: (B, 1), or (B, V) where it is multivalent.

    Raises:
        DataError: the input has another type than a tf.Example can hold.
    """
    if spec.dtype not in _KINDS:
        raise DataError(
            f"column {name} must be string, int64 or float32; got {spec.dtype.name} in the model's "
            "signature"
        )
    return Column(name, spec.dtype, multivalent=spec.shape.as_list()[-1] is None)
