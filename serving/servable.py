"""One loaded version of a model: its signatures, callable with protos as they come off the wire."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from rankbeam.serving import content, status, tensors, versions
from rankbeam.transform.errors import DataError

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY

_Function = Callable[..., Mapping[str, tf.Tensor]]
_TensorProtos = Mapping[str, tensor_pb2.TensorProto]


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call the model.

    Attributes:
        inputs: input name -> dtype and (partly known) shape.
        outputs: the outputs' names, sorted.
        function: takes the inputs by name, returns the outputs by name.
    """

    inputs: Mapping[str, tf.TensorSpec]
    outputs: tuple[str, ...]
    function: _Function

    def run(self, inputs: _TensorProtos, output_filter: Iterable[str] = ()) -> dict[str, Any]:
        """Checks the inputs, runs the graph, returns output name -> TensorProto.

        Raises:
            status.Refusal: INVALID_ARGUMENT for inputs or filtered outputs that the signature
                does not have, or the code of TensorFlow's own error.
        """
        self._check_names(set(inputs))
        fed = {
            alias: tensors.decode_input(alias, proto, self.inputs[alias])
            for alias, proto in inputs.items()
        }
        wanted = self._wanted(tuple(output_filter))
        try:
            found = self.function(**fed)
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise status.as_refusal(error) from error
        return {name: tensors.encode(found[name].numpy()) for name in wanted}

    def _check_names(self, sent: set[str]) -> None:
        known = set(self.inputs)
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

    def _wanted(self, output_filter: tuple[str, ...]) -> tuple[str, ...]:
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


@dataclass(frozen=True, slots=True)
class Servable:
    """A version in memory, immutable: requests that hold it keep it alive across a swap.

    Attributes:
        name: the model's name.
        version: the version's number.
        path: the folder it was loaded from.
        signature_defs: all SignatureDefs as stored, for GetModelMetadata.
        signatures: the callable ones.
        root: the loaded object, which owns the variables and tables.
    """

    name: str
    version: int
    path: Path
    signature_defs: Mapping[str, meta_graph_pb2.SignatureDef]
    signatures: Mapping[str, Signature]
    root: Any = field(repr=False)

    def signature(self, name: str) -> Signature:
        """The signature of that name; the empty name means `serving_default`.

        Raises:
            status.Refusal: FAILED_PRECONDITION where the model has none of that name.
        """
        key = name or DEFAULT_SIGNATURE
        if key not in self.signatures:
            raise status.Refusal(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{key}" not found.'
            )
        return self.signatures[key]


def load_servable(name: str, version: int, path: Path) -> Servable:
    """Loads one version folder.

    Raises:
        status.Refusal: there is no SavedModel, its bytes are damaged or not those that were
            pushed, it has no serving graph, or TensorFlow cannot load it.
    """
    signature_defs = _read_signature_defs(path)
    try:
        damage = content.damage(path)
        if damage is not None:
            raise status.Refusal(grpc.StatusCode.DATA_LOSS, damage)
        root = tf.saved_model.load(str(path), tags=[tf.saved_model.SERVING])
    except DataError as error:
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, str(error)) from error
    except (OSError, tf.errors.OpError, ValueError, KeyError) as error:
        raise status.as_refusal(error) from error
    functions = {key: root.signatures[key] for key in root.signatures}
    signatures = {
        key: _signature(signature_defs[key], function) for key, function in functions.items()
    }
    return Servable(name, version, path, signature_defs, signatures, root)


def _read_signature_defs(path: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    file = path / versions.SAVED_MODEL_FILE
    if not file.is_file():
        raise status.not_found(
            f"Could not find SavedModel .pb at supplied export directory: {path}"
        )
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString(file.read_bytes())
    except (OSError, ValueError, DecodeError) as error:
        raise status.Refusal(grpc.StatusCode.DATA_LOSS, f"{file}: {error}") from error
    for meta_graph in saved_model.meta_graphs:
        if tf.saved_model.SERVING in meta_graph.meta_info_def.tags:
            return dict(meta_graph.signature_def)
    raise status.not_found(f"Could not find meta graph def matching supplied tags: serve in {file}")


def _signature(definition: meta_graph_pb2.SignatureDef, function: _Function) -> Signature:
    inputs = {
        alias: tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.as_dtype(info.dtype))
        for alias, info in definition.inputs.items()
    }
    return Signature(inputs, tuple(sorted(definition.outputs)), function)


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
