"""Tiny real SavedModels with the signatures that the trainer exports; `call` is their oracle.

Scores, with x = 0.1 age + price + bias + 1 if the user is in the vocabulary asset:
click = 1 / (1 + exp(-x)), conversion = click / 2, ctcvr = click² / 2.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2

KNOWN_USERS = ("ada", "grace")
_PARSING = {
    "user": tf.io.FixedLenFeature([1], tf.string, default_value=""),
    "age": tf.io.FixedLenFeature([1], tf.int64, default_value=0),
    "price": tf.io.FixedLenFeature([1], tf.float32, default_value=0.0),
    "tags": tf.io.RaggedFeature(tf.string),
}
_RAW = [
    tf.TensorSpec([None, 1], tf.string, "user"),
    tf.TensorSpec([None, 1], tf.int64, "age"),
    tf.TensorSpec([None, 1], tf.float32, "price"),
    tf.TensorSpec([None, None], tf.string, "tags"),
]

Scores = dict[str, npt.NDArray[np.float32]]


class TinyModel(tf.Module):
    """A scorer with a vocabulary asset, a variable, and a count of the examples it parsed."""

    def __init__(self, vocabulary: Path, bias: float, scale: float) -> None:
        super().__init__()
        self.vocabulary = tf.saved_model.Asset(str(vocabulary))
        initializer = tf.lookup.TextFileInitializer(
            self.vocabulary.asset_path,
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(initializer, -1)
        self.bias = tf.Variable(bias, name="bias")
        self.scale = tf.Variable(scale, name="scale")
        self.parsed = tf.Variable(0, dtype=tf.int64, name="parsed")

    def _scores(self, user: tf.Tensor, age: tf.Tensor, price: tf.Tensor) -> dict[str, tf.Tensor]:
        known = tf.cast(self.table.lookup(user) >= 0, tf.float32)
        x = 0.1 * tf.cast(age, tf.float32) + price + self.bias + known
        click = tf.squeeze(tf.sigmoid(x) * self.scale, axis=1)
        return {"click": click, "conversion": click / 2.0, "ctcvr": click * click / 2.0}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores serialized tf.Examples."""
        self.parsed.assign_add(tf.size(examples, tf.int64))
        rows = tf.io.parse_example(examples, _PARSING)
        return self._scores(rows["user"], rows["age"], rows["price"])

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def matrix(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """The scores as columns (B, 1), which Classify demands."""
        scores = self.serving_default(examples)
        return {name: tf.expand_dims(values, 1) for name, values in scores.items()}

    @tf.function(autograph=False, input_signature=_RAW)
    def raw_tensors(
        self, user: tf.Tensor, age: tf.Tensor, price: tf.Tensor, tags: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Scores named tensors."""
        return self._scores(user, age, price)

    @tf.function(autograph=False, input_signature=[])
    def parsed_examples(self) -> dict[str, tf.Tensor]:
        """How many examples `serving_default` has seen since the model was loaded."""
        return {"count": tf.identity(self.parsed)}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([], tf.int32, "rounds")])
    def slow(self, rounds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Keeps a core busy for a while: one matrix product a round."""
        start = tf.ones([400, 400]) / 400.0
        _, end = tf.while_loop(
            lambda step, _: step < rounds,
            lambda step, product: (step + 1, tf.matmul(product, start)),
            (0, start),
        )
        return {"mean": tf.reduce_mean(end)}


def save(path: Path, *, bias: float = 0.0, scale: float = 1.0) -> Path:
    """Saves a model to a folder; `scale` multiplies the click probability (nan spoils all)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = path.parent / "users.txt"
    vocabulary.write_text("\n".join(KNOWN_USERS) + "\n")
    model = TinyModel(vocabulary, bias, scale)
    signatures = {
        name: getattr(model, name)
        for name in ("serving_default", "matrix", "raw_tensors", "parsed_examples", "slow")
    }
    tf.saved_model.save(model, str(path), signatures=signatures)
    vocabulary.unlink()
    _declare_inference(path / "saved_model.pb")
    return path


def _declare_inference(file: Path) -> None:
    """Classify and Regress signatures on the tensors of `serving_default` and `matrix`."""
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    definitions = saved_model.meta_graphs[0].signature_def
    for name, source, output, method, key in (
        ("classify_click", "matrix", "click", "classify", "scores"),
        ("regress_click", "serving_default", "click", "regress", "outputs"),
        ("regress_ctcvr", "serving_default", "ctcvr", "regress", "outputs"),
    ):
        found = definitions[source]
        definitions[name].inputs["inputs"].CopyFrom(found.inputs["examples"])
        definitions[name].outputs[key].CopyFrom(found.outputs[output])
        definitions[name].method_name = f"tensorflow/serving/{method}"
    file.write_bytes(saved_model.SerializeToString(deterministic=True))


def example(user: str | None = None, age: int | None = None, price: float | None = None) -> bytes:
    """A serialized tf.Example; what is None is missing."""
    row = tf.train.Example()
    if user is not None:
        row.features.feature["user"].bytes_list.value.append(user.encode())
    if age is not None:
        row.features.feature["age"].int64_list.value.append(age)
    if price is not None:
        row.features.feature["price"].float_list.value.append(price)
    return bytes(row.SerializeToString(deterministic=True))


ROWS: tuple[Mapping[str, object], ...] = (
    {"user": "ada", "age": 3, "price": 0.5},
    {"user": "nobody", "age": -7, "price": -0.25},
    {"user": "grace"},
    {},
)


def examples(rows: Sequence[Mapping[str, object]] = ROWS) -> list[bytes]:
    """The rows as serialized tf.Examples."""
    return [example(**row) for row in rows]  # type: ignore[arg-type]


def oracle(rows: Sequence[Mapping[str, object]] = ROWS, *, bias: float = 0.0) -> Scores:
    """The scores by NumPy."""
    x = np.array(
        [
            0.1 * float(row.get("age", 0))  # type: ignore[arg-type]
            + float(row.get("price", 0.0))  # type: ignore[arg-type]
            + bias
            + (row.get("user") in KNOWN_USERS)
            for row in rows
        ]
    )
    click = 1.0 / (1.0 + np.exp(-x))
    scores = {"click": click, "conversion": click / 2, "ctcvr": click * click / 2}
    return {name: values.astype(np.float32) for name, values in scores.items()}


def predict_request(rows: Sequence[bytes], signature: str = "") -> predict_pb2.PredictRequest:
    """A request for serialized tf.Examples, made by TensorFlow's own encoder."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "any"
    request.model_spec.signature_name = signature
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(list(rows), tf.string))
    return request
