"""What a client remembers of the model between calls: one version's features and outputs."""

from dataclasses import dataclass
from typing import Any

from rankbeam.serving.client.candidates import CandidateEncoder
from rankbeam.serving.client.signatures import feature_types, read_metadata
from rankbeam.serving.examples import FeatureType
from rankbeam.transform.errors import ConfigError


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One version, as its metadata describe it.

    Attributes:
        version: the version.
        types: feature name -> type.
        input_name: the input that takes serialized tf.Examples.
        outputs: names of the answers.
        encoder: encodes candidates for it.
    """

    version: int
    types: dict[str, FeatureType]
    input_name: str
    outputs: tuple[str, ...]
    encoder: CandidateEncoder

    def asks_the_same(self, other: "KnownModel") -> bool:
        """Whether a request for one version is the same request for the other."""
        return (self.types, self.input_name, self.outputs) == (
            other.types,
            other.input_name,
            other.outputs,
        )


def read_model(response: Any, signature_name: str) -> KnownModel:
    """Reads a GetModelMetadataResponse.

    Raises:
        ConfigError: the model lacks one of the two signatures, or the one that is asked does not
            take one input of serialized tf.Examples.
    """
    signatures = read_metadata(response)
    types = feature_types(signatures)
    if signature_name not in signatures:
        raise ConfigError(
            f"served model must have the signature {signature_name!r}; "
            f"got {', '.join(sorted(signatures))}"
        )
    signature = signatures[signature_name]
    if [info.dtype for info in signature.inputs.values()] != ["string"]:
        inputs = ", ".join(f"{name}: {info.dtype}" for name, info in signature.inputs.items())
        raise ConfigError(
            f"signature {signature_name!r} must take one input of serialized tf.Examples; "
            f"got {inputs or 'none'}"
        )
    return KnownModel(
        version=int(response.model_spec.version.value),
        types=types,
        input_name=next(iter(signature.inputs)),
        outputs=tuple(sorted(signature.outputs)),
        encoder=CandidateEncoder(types),
    )


class ModelCache:
    """Holds the model that was met last; replacing it is one assignment, hence thread-safe."""

    def __init__(self) -> None:
        self.known: KnownModel | None = None
