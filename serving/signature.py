"""One way to call a loaded model: names, dtypes and shapes, checked against a request.

A `Signature` is one entry of the SavedModel's SignatureDef map, the authority that TensorFlow
Serving asks. Several signatures may share an input tensor; `Fetches` run them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from rankbeam.serving import status, tensors

TensorProtos = Mapping[str, tensor_pb2.TensorProto]
Arrays = dict[str, tensors.Array]


class GraphCall(Protocol):
    """Runs a graph on arrays in the order of its feeds; returns the arrays of its fetches."""

    def __call__(self, *arrays: tensors.Array) -> Sequence[tensors.Array]:
        """Runs the graph; makes the call before, where nobody has."""

    @property
    def is_made(self) -> bool:
        """Whether the next call costs no more than those after it."""

    def make(self) -> None:
        """Makes the call, if nobody has."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the graph call behind it.

    Attributes:
        name: its key in the SignatureDef map.
        method_name: `tensorflow/serving/predict`, `.../classify` or `.../regress`.
        inputs: input name -> dtype and (partly known) shape.
        outputs: the outputs' names, sorted.
        input_tensors: input name -> the graph's tensor.
        output_tensors: output name -> the graph's tensor.
        graph: runs the graph: arrays in the order of `inputs` -> arrays in that of `outputs`.
    """

    name: str
    method_name: str
    inputs: Mapping[str, tf.TensorSpec]
    outputs: tuple[str, ...]
    input_tensors: Mapping[str, str]
    output_tensors: Mapping[str, str]
    graph: GraphCall

    def feeds(self, inputs: TensorProtos) -> Arrays:
        """A request's tensors as arrays, in the order of `inputs`.

        Raises:
            status.Refusal: INVALID_ARGUMENT for inputs that the signature does not have, or of
                another dtype or shape.
        """
        self._check_names(inputs.keys())
        return {
            alias: tensors.decode_input(alias, inputs[alias], expected, self._place)
            for alias, expected in self.inputs.items()
        }

    def call(self, arrays: Mapping[str, tensors.Array]) -> Arrays:
        """Runs the graph on arrays made by `feeds`; returns output name -> array.

        Raises:
            status.Refusal: the code of TensorFlow's own error.
        """
        try:
            found = self.graph(*(arrays[alias] for alias in self.inputs))
        except (tf.errors.OpError, UnicodeDecodeError, ValueError) as error:
            raise status.as_refusal(error) from error
        return dict(zip(self.outputs, found, strict=True))

    def run(
        self, inputs: TensorProtos, output_filter: Iterable[str] = ()
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Checks the inputs, runs the graph, returns output name -> TensorProto.

        Raises:
            status.Refusal: INVALID_ARGUMENT for inputs or filtered outputs that the signature
                does not have, or the code of TensorFlow's own error.
        """
        wanted = self.wanted(tuple(output_filter))
        found = self.call(self.feeds(inputs))
        return {name: tensors.encode(found[name]) for name in wanted}

    def wanted(self, output_filter: tuple[str, ...]) -> tuple[str, ...]:
        """The outputs that a request asks for; all where it names none.

        Raises:
            status.Refusal: INVALID_ARGUMENT for an output that is unknown or named twice.
        """
        seen: set[str] = set()
        for alias in output_filter:
            if alias not in self.outputs:
                raise status.invalid_argument(
                    f"output tensor alias not found in signature: {alias} "
                    f"Outputs expected to be in the set {_braced(self.outputs)}."
                )
            if alias in seen:
                raise status.invalid_argument(f"duplicate output tensor alias: {alias}")
            seen.add(alias)
        return output_filter or self.outputs

    def _place(self, alias: str) -> int:
        """An input's number in TensorFlow's own messages: sessions sort their feeds."""
        return sorted(self.input_tensors.values()).index(self.input_tensors[alias])

    def _check_names(self, sent: Iterable[str]) -> None:
        if self.inputs.keys() == sent:
            return
        sent, known = set(sent), set(self.inputs)
        if len(sent) != len(known):
            raise status.invalid_argument(
                f"input size does not match signature: {len(sent)}!={len(known)} "
                f"len({_braced(sent)}) != len({_braced(known)}). "
                f"Sent extra: {_braced(sent - known)}. "
                f"Missing but required: {_braced(known - sent)}."
            )
        for alias in sorted(sent - known):
            raise status.invalid_argument(
                f"input tensor alias not found in signature: {alias}. "
                f"Inputs expected to be in the set {_braced(known)}."
            )


def signature_specs(definition: meta_graph_pb2.SignatureDef) -> dict[str, tf.TensorSpec]:
    """Input name -> dtype and shape, in the order of the names."""
    return {
        alias: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype))
        for alias, info in sorted(definition.inputs.items())
    }


def not_found(name: str) -> status.Refusal:
    """What a request for a signature that the model lacks is told."""
    return status.failed_precondition(f'Serving signature key "{name}" not found.')


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
