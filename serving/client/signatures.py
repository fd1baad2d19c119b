"""What a served model takes and answers, from GetModelMetadata."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rankbeam.serving.client import protocol
from rankbeam.serving.client.arrays import dtype_name
from rankbeam.serving.examples import FeatureType
from rankbeam.transform.errors import ConfigError

FEATURE_SIGNATURE = "raw_tensors"
"""The signature whose inputs are the model's features, one by one: it tells their types."""

# TensorFlow 2 lists its initialisation among the signatures; it cannot be called.
_INIT_SIGNATURE = "__saved_model_init_op"
_SIGNATURE_DEF = "signature_def"
_WHOLE = ("int", "uint", "bool")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output.

    Attributes:
        dtype: TensorFlow's name, such as `float32` or `string`.
        shape: sizes, None where one may vary; None for a shape of unknown rank.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """One signature: input and output names -> type and shape."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]


def metadata_request(spec: Any) -> Any:
    """The GetModelMetadataRequest that asks a model for its signatures."""
    return protocol.GetModelMetadataRequest(model_spec=spec, metadata_field=[_SIGNATURE_DEF])


def read_metadata(response: Any) -> dict[str, SignatureInfo]:
    """Signature name -> its inputs and outputs, from a GetModelMetadataResponse."""
    signatures = protocol.SignatureDefMap.FromString(response.metadata[_SIGNATURE_DEF].value)
    return {
        name: SignatureInfo(_infos(found.inputs), _infos(found.outputs))
        for name, found in signatures.signature_def.items()
        if name != _INIT_SIGNATURE
    }


def feature_types(signatures: Mapping[str, SignatureInfo]) -> dict[str, FeatureType]:
    """Feature name -> type, from a model's `raw_tensors` signature.

    Raises:
        ConfigError: the model has no such signature.
    """
    if FEATURE_SIGNATURE not in signatures:
        raise ConfigError(
            f"served model must have the signature {FEATURE_SIGNATURE!r}, which names its "
            f"features; got {', '.join(sorted(signatures))}"
        )
    inputs = signatures[FEATURE_SIGNATURE].inputs
    return {name: _feature_type(info.dtype) for name, info in inputs.items()}


def _feature_type(dtype: str) -> FeatureType:
    if dtype == "string":
        return FeatureType.BYTES
    return FeatureType.INT if dtype.startswith(_WHOLE) else FeatureType.FLOAT


def _infos(infos: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(dtype_name(info.dtype), _shape(info.tensor_shape))
        for name, info in infos.items()
    }


def _shape(proto: Any) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)
