"""The JSON of every answer but predictions: results, errors, status and metadata."""

import json
from typing import Any

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    regression_pb2,
)

from rankbeam.serving import status
from rankbeam.serving.rest import decimals
from rankbeam.serving.tensors import Array
from rankbeam.transform.stack import JSON_DEFAULTS

_INDENT = "    "


def error(message: str) -> bytes:
    """Any failure."""
    text = json.dumps(message, ensure_ascii=False)
    return f'{{\n{_INDENT}"error": {text}\n}}'.encode("utf-8", "backslashreplace")


def classifications(result: classification_pb2.ClassificationResult) -> bytes:
    """Label and score of each class of each example.

    Raises:
        status.Refusal: INVALID_ARGUMENT where there is no example.
    """
    if not result.classifications:
        raise status.invalid_argument("Cannot convert empty ClassificationResults to JSON")
    scores = iter(
        decimals.texts(
            _float32([row.score for each in result.classifications for row in each.classes])
        )
    )
    listed = ", ".join(
        "["
        + ", ".join(
            f"[{json.dumps(row.label, ensure_ascii=False)}, {next(scores)}]" for row in each.classes
        )
        + "]"
        for each in result.classifications
    )
    return f'{{\n{_INDENT}"results": [{listed}\n{_INDENT}]\n}}'.encode()


def regressions(result: regression_pb2.RegressionResult) -> bytes:
    """One value for each example.

    Raises:
        status.Refusal: INVALID_ARGUMENT where there is no example.
    """
    if not result.regressions:
        raise status.invalid_argument("Cannot convert empty RegressionResults to JSON")
    listed = ", ".join(decimals.texts(_float32([row.value for row in result.regressions])))
    return f'{{\n{_INDENT}"results": [{listed}]\n}}'.encode()


def model_status(response: get_model_status_pb2.GetModelStatusResponse) -> bytes:
    """The states of a model's versions."""
    return _json(response).encode()


def metadata(response: get_model_metadata_pb2.GetModelMetadataResponse) -> bytes:
    """The signatures of a version."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    spec = _json(response.model_spec, preserving_proto_field_name=True)
    listed = _json(signatures, preserving_proto_field_name=True)
    return f'{{\n"model_spec":{spec},\n"metadata": {{"signature_def": {listed}}}\n}}\n'.encode()


def _json(message: Message, **options: Any) -> str:
    text = json_format.MessageToJson(message, indent=1, **{**JSON_DEFAULTS, **options})
    return f"{text}\n"


def _float32(values: list[float]) -> Array:
    return np.array(values, dtype=np.float32)
