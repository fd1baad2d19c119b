"""What is said about models: ModelSpec, metadata, states. Pure."""

from collections.abc import Iterable
from typing import TypeAlias

from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from rankbeam.serving import status
from rankbeam.serving.manager import VersionStatus
from rankbeam.serving.servable import Servable
from rankbeam.serving.settings.model import ModelSettings
from rankbeam.serving.settings.model_config import models_of
from rankbeam.transform.errors import ConfigError

_SIGNATURE_DEF = "signature_def"

HasModelSpec: TypeAlias = (
    predict_pb2.PredictRequest
    | classification_pb2.ClassificationRequest
    | regression_pb2.RegressionRequest
    | inference_pb2.InferenceTask
    | get_model_metadata_pb2.GetModelMetadataRequest
)


def spec_of(request: HasModelSpec) -> model_pb2.ModelSpec:
    """The model that a request asks for.

    Raises:
        status.Refusal: INVALID_ARGUMENT where it names none.
    """
    if not request.HasField("model_spec"):
        raise status.invalid_argument("Missing ModelSpec")
    spec = request.model_spec
    if not spec.name:
        raise status.invalid_argument("ModelSpec has no name specified.")
    return spec


def model_spec(servable: Servable, signature_name: str = "") -> model_pb2.ModelSpec:
    """Which model, version and signature answered."""
    spec = model_pb2.ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def check_metadata_request(request: get_model_metadata_pb2.GetModelMetadataRequest) -> None:
    """Holds a request to what there is to be described.

    Raises:
        status.Refusal: INVALID_ARGUMENT for no field, or one that is not `signature_def`.
    """
    if not request.HasField("model_spec"):
        raise status.invalid_argument("Missing ModelSpec")
    if not request.metadata_field:
        raise status.invalid_argument(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in request.metadata_field:
        if field != _SIGNATURE_DEF:
            raise status.invalid_argument(f"Metadata field {field} is not supported")


def metadata(servable: Servable) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """A version's SignatureDefs, as stored in the SavedModel."""
    response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=model_spec(servable))
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
    response.metadata[_SIGNATURE_DEF].Pack(signatures)
    return response


def reloaded_models(
    request: model_management_pb2.ReloadConfigRequest,
) -> tuple[ModelSettings, ...]:
    """The models of a ReloadConfigRequest.

    Raises:
        status.Refusal: INVALID_ARGUMENT where it holds no list of models, or one that cannot be.
    """
    try:
        return models_of(request.config)
    except ConfigError as error:
        raise status.invalid_argument(str(error)) from error


def statuses(rows: Iterable[VersionStatus]) -> get_model_status_pb2.GetModelStatusResponse:
    """The states of versions, in their order."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for row in rows:
        added = response.model_version_status.add(version=row.version, state=row.state.value)
        added.status.error_code = row.code.value[0]
        added.status.error_message = row.message
    return response
