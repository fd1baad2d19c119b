"""The three kinds of values that a tf.Example holds."""

from collections.abc import Mapping
from typing import Literal

import pyarrow as pa
import tensorflow as tf

Kind = Literal["bytes", "float", "int"]
Kinds = Mapping[str, Kind | None]
"""Column name to the kind of its values; None where no row has any."""

ARROW: Mapping[Kind, pa.DataType] = {
    "bytes": pa.large_binary(),
    "float": pa.float32(),
    "int": pa.int64(),
}
"""What tfx_bsl decodes a kind to."""
TENSOR: Mapping[Kind, tf.DType] = {"bytes": tf.string, "float": tf.float32, "int": tf.int64}
FIELD_TAG: Mapping[Kind, bytes] = {"bytes": b"\x0a", "float": b"\x12", "int": b"\x1a"}
"""The tag of each kind's field in the message tf.train.Feature."""


def kinds_of_schema(schema: pa.Schema) -> dict[str, Kind | None]:
    """The kinds that an Arrow schema of lists, as tfx_bsl's, asks for."""
    names: dict[pa.DataType, Kind] = {kind: name for name, kind in ARROW.items()}
    return {
        field.name: None if pa.types.is_null(field.type) else names[field.type.value_type]
        for field in schema
    }
