"""Asking a server for scores of a JSON request: what `rankbeam predict` does."""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from rankbeam.serving.client import PredictClient, Prediction, SignatureInfo
from rankbeam.serving.requests import FeatureType, examples_from_json
from rankbeam.transform.errors import ConfigError

# The signature whose inputs are the model's features, one by one: it tells their types.
_FEATURE_SIGNATURE = "raw_tensors"


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """What a user asks of `rankbeam predict`.

    Attributes:
        request: JSON text, see `rankbeam.serving.requests`.
        model_name: the model's name on the server.
        target: the server, `host:port`.
        version: ask for this very version; by default the server chooses.
        signature_name: the signature that takes serialized tf.Examples.
        timeout_s: deadline of each call, in seconds.
    """

    request: str
    model_name: str
    target: str = "127.0.0.1:8500"
    version: int | None = None
    signature_name: str = "serving_default"
    timeout_s: float = 10.0


def predict(options: PredictOptions) -> list[dict[str, Any]]:
    """Scores each object of the request, in order.

    Feature types are taken from the server's own metadata, so no config is needed.

    Returns:
        One `{"scores": {output: number or list}, "model_version": int}` per object.

    Raises:
        DataError: the request is not JSON or does not fit the model's features.
        ConfigError: the served model has no signature that names its features.
        RequestRejected: the server does not serve that model, version or signature.
        EnvironmentFault: the server is away or did not answer in time.
    """
    with PredictClient(
        options.target, options.model_name, version=options.version, timeout_s=options.timeout_s
    ) as client:
        types = feature_types(client.metadata())
        examples = examples_from_json(options.request, types)
        return _rows(client.predict_examples(examples, options.signature_name), len(examples))


def feature_types(signatures: dict[str, SignatureInfo]) -> dict[str, FeatureType]:
    """Feature name -> type, from a model's `raw_tensors` signature.

    Raises:
        ConfigError: the model has no such signature.
    """
    if _FEATURE_SIGNATURE not in signatures:
        raise ConfigError(
            f"served model must have the signature {_FEATURE_SIGNATURE!r}, which names its "
            f"features; got {', '.join(sorted(signatures))}"
        )
    inputs = signatures[_FEATURE_SIGNATURE].inputs
    return {name: _feature_type(spec.dtype) for name, spec in inputs.items()}


def _feature_type(dtype: tf.DType) -> FeatureType:
    if dtype == tf.string:
        return FeatureType.BYTES
    return FeatureType.INT if dtype.is_integer or dtype.is_bool else FeatureType.FLOAT


def _rows(prediction: Prediction, count: int) -> list[dict[str, Any]]:
    columns = {name: values.reshape(count, -1) for name, values in prediction.items()}
    return [
        {
            "scores": {name: _plain(rows[index].tolist()) for name, rows in columns.items()},
            "model_version": prediction.model_version,
        }
        for index in range(count)
    ]


def _plain(values: list[object]) -> object:
    return values[0] if len(values) == 1 else values
