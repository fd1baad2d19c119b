"""From a chunk of the source's rows to the columns of tf.Examples."""

import pyarrow as pa

from rankbeam.components.example_gen.chunks import BadValue, Chunk
from rankbeam.components.example_gen.derive import derived_label
from rankbeam.components.example_gen.spec import ExampleGenSpec
from rankbeam.components.example_gen.values import to_feature

_KIND_NAMES = {pa.int64(): "INT64", pa.float32(): "FLOAT", pa.binary(): "BYTES"}


class Converter:
    """Converts chunks, and holds every column to one kind over all of them."""

    def __init__(self, spec: ExampleGenSpec) -> None:
        self._spec = spec
        self._kinds: dict[str, tuple[pa.DataType, str]] = {}

    def convert(self, chunk: Chunk) -> pa.RecordBatch:
        """The columns of `ExampleGenSpec.columns`, in that order, as lists.

        Raises:
            DataError: A value or type does not fit its column.
        """
        names = list(self._spec.columns)
        return pa.RecordBatch.from_arrays([self._feature(chunk, name) for name in names], names)

    def _feature(self, chunk: Chunk, name: str) -> pa.Array:
        derived = self._spec.data.derive.get(name)
        with chunk.locating(name if derived is None else derived.source):
            if derived is None:
                values = chunk.column(name)
            else:
                values = derived_label(chunk.column(derived.source), derived)
            multivalent = name in self._spec.multivalent
            feature = to_feature(values, self._spec.columns[name], multivalent)
            self._check_kind(chunk, name, feature)
        return feature

    def _check_kind(self, chunk: Chunk, name: str, feature: pa.Array) -> None:
        kind = feature.type.value_type
        if len(feature.flatten()) == 0:
            # Where all are missing, the type is a guess.
            return
        known, file = self._kinds.setdefault(name, (kind, chunk.file))
        if kind != known:
            raise BadValue(
                f"must hold {_KIND_NAMES[known]} throughout, as in {file}", _KIND_NAMES[kind]
            )
