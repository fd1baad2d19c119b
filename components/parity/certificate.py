"""The parity certificate: verdict, evidence and what it was written for.

An artifact of TFX's own type InfraBlessing, since Kubeflow's runtime cannot import the class of a
custom one (it takes the type's name for an import path of two words). It holds

- `parity_certificate.json`, a `Certificate`,
- an empty file `PARITY_PASSED` or `PARITY_FAILED`, written last,

and has the properties `blessed`, `reason`, `current_model` (the URI of the model that was judged)
and `model_digest`.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from pydantic import Field
from tfx.dsl.io import fileio
from tfx.types import Artifact
from tfx.utils import io_utils

from rankbeam.components.parity.generate import Generated
from rankbeam.components.parity.logic import PathResult
from rankbeam.transform.specs.base import StrictModel

CERTIFICATE_FILE = "parity_certificate.json"
PASSED_MARK, FAILED_MARK = "PARITY_PASSED", "PARITY_FAILED"
MODEL_DIGEST_PROPERTY = "model_digest"

_SHOWN_CHARACTERS = 200


class WorstExample(StrictModel):
    """The example on which a path differs most from its reference."""

    output: str
    kind: str = Field(description="How the example was made.")
    column: str = Field(description="The column that was changed; empty where none or all were.")
    expected: str
    found: str
    example: Mapping[str, tuple[str, ...]] = Field(description="Column to its values, as text.")


class PathReport(StrictModel):
    """How far one path was from its reference."""

    path: str
    reference: str
    must_be_equal_in_bits: bool
    examples: int
    unequal: int = Field(description="Examples that differ in any bit.")
    max_abs_difference: Mapping[str, float | str] = Field(
        description="Output to its largest difference; 'inf' where one side is no finite number."
    )
    worst: WorstExample | None = None

    @property
    def largest(self) -> float:
        """The largest difference over all outputs."""
        return max((float(value) for value in self.max_abs_difference.values()), default=0.0)


class Certificate(StrictModel):
    """What was asked, of which model, and how it went.

    Attributes:
        passed: whether every path passed.
        reason: one line with every problem; empty where it passed.
        model_digest: `rankbeam.components.serving_checks.model_digest` of the model judged.
        transform_hash: of the training transform.
        server: which server was asked; empty where the model did not come that far.
        seed: of the mutations.
        max_abs_difference: what was allowed in a score.
        examples: how many were asked.
        kinds: kind of mutation to its number of examples.
        paths: each path; empty where the model could not be asked at all.
    """

    passed: bool
    reason: str
    model_digest: str
    transform_hash: str
    server: str
    seed: int
    max_abs_difference: float
    examples: int
    kinds: Mapping[str, int]
    paths: tuple[PathReport, ...]


def path_report(result: PathResult, requests: Sequence[Generated]) -> PathReport:
    """A path's result, with its worst example spelt out."""
    worst = None
    if result.worst is not None:
        request = requests[result.worst.example]
        worst = WorstExample(
            output=result.worst.output,
            kind=request.kind,
            column=request.column,
            expected=_cut(result.worst.expected),
            found=_cut(result.worst.found),
            example=readable(request.serialized),
        )
    return PathReport(
        path=result.path,
        reference=result.reference,
        must_be_equal_in_bits=result.exact,
        examples=result.examples,
        unequal=result.unequal,
        max_abs_difference={
            # JSON has no infinity.
            name: value if value < float("inf") else "inf"
            for name, value in result.max_abs_difference.items()
        },
        worst=worst,
    )


def readable(serialized: bytes) -> dict[str, tuple[str, ...]]:
    """A tf.Example as text, column by column: bytes that are no UTF-8 escaped, long values cut."""
    example = tf.train.Example.FromString(serialized)
    found = {}
    for name, feature in sorted(example.features.feature.items()):
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value if kind is not None else ()
        found[name] = tuple(_cut(_text(value)) for value in values)
    return found


def _text(value: Any) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else repr(value)


def _cut(text: str) -> str:
    left = len(text) - _SHOWN_CHARACTERS
    return text if left <= 0 else f"{text[:_SHOWN_CHARACTERS]}... ({left} more characters)"


def write_certificate(artifact: Artifact, certificate: Certificate, model_uri: str) -> None:
    """Fills the artifact.

    Args:
        artifact: the output artifact.
        certificate: what to write.
        model_uri: of the Model artifact that was judged.
    """
    text = json.dumps(certificate.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    io_utils.write_string_file(os.path.join(artifact.uri, CERTIFICATE_FILE), text)
    # The mark comes last: an artifact that has one is whole.
    mark = PASSED_MARK if certificate.passed else FAILED_MARK
    io_utils.write_string_file(os.path.join(artifact.uri, mark), "")
    artifact.set_int_custom_property("blessed", int(certificate.passed))
    artifact.set_string_custom_property("reason", certificate.reason)
    artifact.set_string_custom_property("current_model", model_uri)
    artifact.set_string_custom_property(MODEL_DIGEST_PROPERTY, certificate.model_digest)


def read_certificate(uri: str) -> Certificate:
    """The certificate in an artifact's folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no certificate.
    """
    path = os.path.join(uri, CERTIFICATE_FILE)
    if not fileio.exists(path):
        raise FileNotFoundError(f"a parity certificate must hold {CERTIFICATE_FILE}; got {uri}")
    with fileio.open(path) as file:
        return Certificate.model_validate(json.load(file))
