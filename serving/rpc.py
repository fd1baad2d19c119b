"""The gRPC services, in TensorFlow Serving's own protos: what is asked, of which model, answered.

Methods that are not overridden answer UNIMPLEMENTED.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from rankbeam.serving import status
from rankbeam.serving.manager import VersionManager, VersionStatus
from rankbeam.serving.servable import DEFAULT_SIGNATURE, Servable

_log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

_SIGNATURE_DEF = "signature_def"

_ModelRequest: TypeAlias = (
    predict_pb2.PredictRequest | get_model_metadata_pb2.GetModelMetadataRequest
)


def _answer(context: grpc.ServicerContext, call: Callable[[], _Answer]) -> _Answer:
    """Runs a call; a refusal becomes its status, anything unforeseen INTERNAL and a traceback."""
    try:
        return call()
    except status.Refusal as refusal:
        failure = refusal
    except Exception as error:  # one request must never take the server down
        _log.exception("a request failed unexpectedly")
        failure = status.as_refusal(error)
    context.abort(failure.code, failure.message)
    raise AssertionError("abort always raises")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata over a set of models."""

    def __init__(self, models: Mapping[str, VersionManager]) -> None:
        self._models = models

    def Predict(  # noqa: N802 - the name is the protocol's
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs one signature of one version on the request's tensors."""
        return _answer(context, lambda: self._predict(request))

    def GetModelMetadata(  # noqa: N802 - the name is the protocol's
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures of one version."""
        return _answer(context, lambda: self._metadata(request))

    def _predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        servable = _find(self._models, request)
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        outputs = servable.signature(name).run(request.inputs, request.output_filter)
        return predict_pb2.PredictResponse(
            model_spec=_model_spec(servable, signature_name=name), outputs=outputs
        )

    def _metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        if not request.HasField("model_spec"):
            raise status.invalid_argument("Missing ModelSpec")
        if not request.metadata_field:
            raise status.invalid_argument(
                "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise status.invalid_argument(f"Metadata field {field} is not supported")
        servable = _find(self._models, request)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=_model_spec(servable))
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus over a set of models."""

    def __init__(self, models: Mapping[str, VersionManager]) -> None:
        self._models = models

    def GetModelStatus(  # noqa: N802 - the name is the protocol's
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Says where each version of a model is in its life, and why it failed if it did."""
        return _answer(context, lambda: self._status(request))

    def _status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        if not request.HasField("model_spec"):
            raise status.invalid_argument("Missing ModelSpec")
        spec = request.model_spec
        version = _version(spec)
        if spec.name not in self._models:
            raise status.not_managed(spec.name, version)
        response = get_model_status_pb2.GetModelStatusResponse()
        for row in self._models[spec.name].statuses(version):
            _add_status(response, row)
        return response


def _find(models: Mapping[str, VersionManager], request: _ModelRequest) -> Servable:
    """The servable a request's ModelSpec asks for."""
    if not request.HasField("model_spec"):
        raise status.invalid_argument("Missing ModelSpec")
    spec = request.model_spec
    if not spec.name:
        raise status.invalid_argument("ModelSpec has no name specified.")
    if spec.WhichOneof("version_choice") == "version_label":
        raise status.invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
    version = _version(spec)
    if spec.name not in models:
        raise status.not_servable(spec.name, version)
    return models[spec.name].get(version)


def _version(spec: model_pb2.ModelSpec) -> int | None:
    if spec.WhichOneof("version_choice") != "version":
        return None
    return int(spec.version.value)


def _model_spec(servable: Servable, signature_name: str = "") -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=servable.name, signature_name=signature_name)
    spec.version.value = servable.version
    return spec


def _add_status(response: get_model_status_pb2.GetModelStatusResponse, row: VersionStatus) -> None:
    added = response.model_version_status.add(version=row.version, state=row.state.value)
    added.status.error_code = row.code.value[0]
    added.status.error_message = row.message
