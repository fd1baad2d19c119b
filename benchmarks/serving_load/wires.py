"""What goes over the wire to each kind of server, made before and read after the measurement.

A wire turns the serialized tf.Examples of one request into the bytes to send, and an answer into a
score matrix (B, outputs), outputs in the order of their names. Needs TensorFlow's protos.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from benchmarks.serving_load import open_inference
from benchmarks.serving_peers import frames

MODEL_NAME = "ranker"
INPUT = "examples"
"""The one input of `serving_default`."""

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Wire:
    """One encoding.

    Attributes:
        encode: From serialized tf.Examples to a message, or to a body.
        decode: From the answer's message, or body, to scores.
    """

    encode: Callable[[Sequence[bytes]], bytes]
    decode: Callable[[bytes, int], Scores]


def _to_proto(examples: Sequence[bytes]) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL_NAME
    request.inputs[INPUT].CopyFrom(tf.make_tensor_proto(list(examples), tf.string))
    return bytes(request.SerializeToString())


def _from_proto(answer: bytes, outputs: int) -> Scores:
    found = predict_pb2.PredictResponse.FromString(answer).outputs
    return matrix([tf.make_ndarray(found[name]) for name in sorted(found)])


def _to_json(examples: Sequence[bytes]) -> bytes:
    values = [{"b64": base64.b64encode(example).decode("ascii")} for example in examples]
    return json.dumps({"inputs": {INPUT: values}}, separators=(",", ":")).encode("ascii")


def _from_json(answer: bytes, outputs: int) -> Scores:
    found = json.loads(answer)["outputs"]
    return matrix([np.asarray(found[name], np.float32) for name in sorted(found)])


def _from_frames(answer: bytes, outputs: int) -> Scores:
    return np.frombuffer(answer, "<f4").reshape(-1, outputs)


def _to_infer(examples: Sequence[bytes]) -> bytes:
    return open_inference.infer_request(MODEL_NAME, examples)


def _from_infer(answer: bytes, outputs: int) -> Scores:
    return _from_frames(open_inference.raw_output(answer), outputs)


def matrix(columns: Sequence[npt.NDArray[np.float32]]) -> Scores:
    """One score an example from each output, (B,) or (B, 1), side by side: (B, outputs)."""
    return np.stack([np.reshape(column, -1) for column in columns], axis=1)


WIRES = {
    "predict": Wire(_to_proto, _from_proto),
    "rest": Wire(_to_json, _from_json),
    "frames": Wire(frames.pack, _from_frames),
    "infer": Wire(_to_infer, _from_infer),
}
