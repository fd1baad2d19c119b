"""Clients of any server that speaks TensorFlow Serving's gRPC; none of them imports TensorFlow.

`PredictClient` asks for scores, `RankClient` and `AsyncRankClient` for an order. See
`docs/client.md`.
"""

from rankbeam.serving.client.async_rank_client import AsyncRankClient
from rankbeam.serving.client.channel import ChannelOptions
from rankbeam.serving.client.options import Fallback, RankOptions
from rankbeam.serving.client.predict_client import PredictClient, Prediction, ServedVersion
from rankbeam.serving.client.rank_client import RankClient
from rankbeam.serving.client.ranking import CallRecord, RankedCandidate, Ranking
from rankbeam.serving.client.retry import RetryPolicy
from rankbeam.serving.client.signatures import SignatureInfo, TensorInfo, feature_types

__all__ = [
    "AsyncRankClient",
    "CallRecord",
    "ChannelOptions",
    "Fallback",
    "PredictClient",
    "Prediction",
    "RankClient",
    "RankOptions",
    "RankedCandidate",
    "Ranking",
    "RetryPolicy",
    "ServedVersion",
    "SignatureInfo",
    "TensorInfo",
    "feature_types",
]
