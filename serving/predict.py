"""Asking a server for scores of a JSON request: what `rankbeam predict` does."""

from dataclasses import dataclass, field
from typing import Any

from rankbeam.serving.client import (
    ChannelOptions,
    PredictClient,
    Prediction,
    RetryPolicy,
    feature_types,
)
from rankbeam.serving.requests import examples_from_json


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
        retry: what to do when the server is away.
        channel: how to connect.
    """

    request: str
    model_name: str
    target: str = "127.0.0.1:8500"
    version: int | None = None
    signature_name: str = "serving_default"
    timeout_s: float = 10.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    channel: ChannelOptions = field(default_factory=ChannelOptions)


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
        options.target,
        options.model_name,
        version=options.version,
        timeout_s=options.timeout_s,
        retry=options.retry,
        channel=options.channel,
    ) as client:
        types = feature_types(client.metadata())
        examples = examples_from_json(options.request, types)
        return _rows(client.predict_examples(examples, options.signature_name), len(examples))


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
