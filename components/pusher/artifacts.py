"""Between TFX's artifacts and the push: blessings in, the pushed model's description out."""

import os

from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from rankbeam.components.parity.certificate import FAILED_MARK, PASSED_MARK, read_certificate
from rankbeam.components.pusher.logic import Blessing
from rankbeam.components.pusher.publish import Published
from rankbeam.serving.content import RECORD_PATH
from rankbeam.transform.errors import GateError

_BLESSED = constants.ARTIFACT_PROPERTY_BLESSED_KEY
_MODEL_MARKS = (constants.BLESSED_FILE_NAME, constants.NOT_BLESSED_FILE_NAME)
_INFRA_MARKS = ("INFRA_BLESSED", "INFRA_NOT_BLESSED")
_PARITY_MARKS = (PASSED_MARK, FAILED_MARK)
_REASON_KEYS = ("reason", constants.ARTIFACT_PROPERTY_BLESSING_MESSAGE_KEY)


def model_blessing(artifacts: list[Artifact]) -> Blessing | None:
    """The Evaluator's blessing, None where there is no artifact."""
    return _blessing(artifacts, _MODEL_MARKS)


def infra_blessing(artifacts: list[Artifact]) -> Blessing | None:
    """The InfraValidator's blessing, None where there is no artifact."""
    return _blessing(artifacts, _INFRA_MARKS)


def parity_blessing(artifacts: list[Artifact]) -> Blessing | None:
    """The ParityCheck's certificate, None where there is no artifact."""
    return _blessing(artifacts, _PARITY_MARKS)


def certified_digest(artifacts: list[Artifact]) -> str:
    """The digest of the model that the ParityCheck's certificate was written for.

    Raises:
        GateError: the certificate cannot be read.
    """
    artifact = artifact_utils.get_single_instance(artifacts)
    try:
        return read_certificate(artifact.uri).model_digest
    except (FileNotFoundError, ValueError) as error:
        raise GateError(f"push needs the ParityCheck's certificate; {error}") from error


def _blessing(artifacts: list[Artifact], marks: tuple[str, str]) -> Blessing | None:
    if not artifacts:
        return None
    artifact = artifact_utils.get_single_instance(artifacts)
    stated = artifact.has_custom_property(_BLESSED)
    good, bad = (fileio.exists(os.path.join(artifact.uri, mark)) for mark in marks)
    reasons = [artifact.get_string_custom_property(key) for key in _REASON_KEYS]
    return Blessing(
        uri=artifact.uri,
        property=artifact.get_int_custom_property(_BLESSED) if stated else None,
        good_mark=good,
        bad_mark=bad,
        reason=next((reason for reason in reasons if reason), ""),
        model_uri=artifact.get_string_custom_property(
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY
        ),
    )


def model_path(model: Artifact, infra: list[Artifact], *, rehearsed: bool) -> str:
    """Folder of the SavedModel to push: the rehearsed one, with its warm-up, where there is one.

    Args:
        model: the Model artifact.
        infra: the InfraBlessing artifact, or nothing.
        rehearsed: whether the infra blessing is good and for this model.
    """
    if rehearsed:
        blessing = artifact_utils.get_single_instance(infra)
        if blessing.get_int_custom_property("has_model"):
            return str(path_utils.stamped_model_path(blessing.uri))
    return str(path_utils.serving_model_path(model.uri))


def describe_pushed(artifact: Artifact, published: Published) -> None:
    """Fills the PushedModel artifact: TFX's own properties, and the push record as file."""
    io_utils.write_string_file(
        os.path.join(artifact.uri, RECORD_PATH.name), published.record.to_json()
    )
    artifact.set_int_custom_property("pushed", 1)
    artifact.set_string_custom_property("pushed_destination", str(published.path))
    artifact.set_string_custom_property("pushed_version", str(published.record.version))
    artifact.set_string_custom_property("digest", published.record.digest)
    artifact.set_int_custom_property("is_new", int(published.is_new))
