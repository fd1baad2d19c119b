"""Ten literal rows that between them show every rule of the feature specs."""

import tensorflow as tf

from rankbeam.transform.specs.options import TransformOptions
from tests.transform.running import Row, options_of

TYPES = {
    "user": tf.string,
    "device": tf.string,
    "slot": tf.int64,
    "level": tf.float32,
    "offer": tf.string,
    "tags": tf.string,
    "price": tf.float32,
    "clicks": tf.int64,
    "age": tf.float32,
    "same": tf.float32,
    "raw": tf.float32,
    "click": tf.int64,
}

# What a serving request has: all but the label.
RAW_TYPES = {name: dtype for name, dtype in TYPES.items() if name != "click"}

OPTIONS: TransformOptions = options_of(
    {
        "user_id": {
            "kind": "id",
            "column": "user",
            "vocabulary_size": 2,
            "frequency_threshold": 2,
            "oov_buckets": 3,
        },
        "device": {"kind": "categorical"},
        "slot": {"kind": "categorical", "missing": "oov"},
        "level": {"kind": "categorical"},
        "offer": {"kind": "id", "hash_buckets": 5, "missing": "oov"},
        "tags": {"kind": "multivalent", "max_values": 2, "missing": "oov", "oov_buckets": 2},
        "price": {"kind": "numeric", "missing_indicator": True},
        "clicks": {"kind": "numeric", "scaling": "log", "missing": "zero"},
        "age": {"kind": "numeric", "scaling": "quantile_buckets", "buckets": 4},
        "same": {"kind": "numeric"},
        "raw": {"kind": "numeric", "scaling": "none", "missing": -1.5},
    },
    labels=["click"],
)

NAN, INF = float("nan"), float("inf")

# fmt: off
ROWS: list[Row] = [
    {"user": [b"u1"], "device": [b"pc"], "slot": [1], "level": [3.0], "offer": [b"o1"],
     "tags": [b"a", b"b"], "price": [1.0], "clicks": [0], "age": [10.0], "same": [2.0],
     "raw": [0.5], "click": [0]},
    {"user": [b"u1"], "device": [b"pc"], "slot": [1], "level": [3.0], "offer": [b"o2"],
     "tags": [b"a"], "price": [3.0], "clicks": [1], "age": [20.0], "same": [2.0],
     "raw": [1.5], "click": [1]},
    {"user": [b"u2"], "device": [b"tv"], "slot": [2], "level": [0.1], "offer": [b"o3"],
     "tags": [b"c", b"b", b"z"], "price": [5.0], "clicks": [3], "age": [30.0], "same": [2.0],
     "raw": [2.5], "click": [0]},
    {"user": [b"u2"], "device": [b""], "slot": [-7], "level": [-0.0], "offer": [b""],
     "tags": [b"b"], "price": [7.0], "clicks": [7], "age": [40.0], "same": [2.0],
     "raw": [3.5], "click": [0]},
    {"user": [b"u3"], "device": [b"pc"], "slot": [2], "level": [0.0], "offer": [b"o1"],
     "tags": [b"a"], "price": [NAN], "clicks": [-3], "age": [50.0], "same": [2.0],
     "raw": [INF], "click": [1]},
    {"user": [b"u3"], "device": [b"a\nb"], "slot": [2], "level": [NAN], "offer": [b"o2"],
     "tags": [b"b"], "price": [-INF], "clicks": [0], "age": [60.0], "same": [2.0],
     "raw": [4.5], "click": [0]},
    {"user": [b"u3"], "device": [b"50%"], "slot": [2], "level": [1e10], "offer": [b"o2"],
     "tags": [b"d"], "price": [1.0], "clicks": [0], "age": [70.0], "same": [2.0],
     "raw": [5.5], "click": [0]},
    {"user": [b"u4"], "device": [b"\xff\xfe"], "slot": [3], "level": [1.5], "offer": [b"o2"],
     "tags": [], "price": [3.0], "clicks": [0], "age": [80.0], "same": [2.0],
     "raw": [6.5], "click": [0]},
    {"click": [0]},
    {"user": [b"u2", b"u9"], "device": [b"tv"], "slot": [9], "level": [3.0], "offer": [b"o2"],
     "tags": [b"\t", b"\r\n"], "price": [1.0], "clicks": [0], "age": [NAN], "same": [2.0],
     "raw": [7.5]},
]
# fmt: on
