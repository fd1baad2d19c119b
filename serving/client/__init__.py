"""A client."""

from rankbeam.serving.client.channel import ChannelOptions
from rankbeam.serving.client.predict_client import PredictClient, Prediction, ServedVersion
from rankbeam.serving.client.retry import RetryPolicy
from rankbeam.serving.client.signatures import SignatureInfo, TensorInfo, feature_types

__all__ = [
    "ChannelOptions",
    "PredictClient",
    "Prediction",
    "RetryPolicy",
    "ServedVersion",
    "SignatureInfo",
    "TensorInfo",
    "feature_types",
]
