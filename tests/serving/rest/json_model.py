"""A real SavedModel with one signature for each thing that JSON can ask for."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

SCALARS = {
    "float": tf.float32,
    "double": tf.float64,
    "int8": tf.int8,
    "uint8": tf.uint8,
    "int16": tf.int16,
    "int32": tf.int32,
    "int64": tf.int64,
    "uint32": tf.uint32,
    "uint64": tf.uint64,
    "bool": tf.bool,
    "string": tf.string,
}
_METHODS = {
    "classify": tf.saved_model.CLASSIFY_METHOD_NAME,
    "regress": tf.saved_model.REGRESS_METHOD_NAME,
}
_PARSING = {"x": tf.io.FixedLenFeature([], tf.float32, default_value=0.0)}


class JsonModel(tf.Module):
    """Each method is a signature; its docstring says what it computes."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def serving_default(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Half of x, plus 2."""
        return {"y": x * 0.5 + 2.0}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, "pair"),
            tf.TensorSpec([None], tf.int64, "number"),
        ],
    )
    def named(self, pair: tf.Tensor, number: tf.Tensor) -> dict[str, tf.Tensor]:
        """The pairs as they are, their sums, and the numbers doubled."""
        return {"same": pair + 0.0, "sum": tf.reduce_sum(pair, axis=1), "twice": number * 2}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def strings(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same strings twice; one output is binary by its name."""
        return {"text": tf.identity(text), "text_bytes": tf.identity(text)}

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([None], kind, name) for name, kind in SCALARS.items()],
    )
    def types(self, *values: tf.Tensor, **named: tf.Tensor) -> dict[str, tf.Tensor]:
        """One input and one equal output of each type."""
        return {f"{name}_out": tf.identity(value) for name, value in zip(SCALARS, values)}  # noqa: B905

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([], tf.float32, "x")])
    def scalar(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """A number without a batch, doubled."""
        return {"y": x * 2.0}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def uneven(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs of different batch sizes."""
        return {"all": x + 0.0, "one": x[:1]}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def half(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """A type that JSON has no values for."""
        return {"y": tf.cast(x, tf.float16)}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float16, "x")])
    def takes_half(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """An input of a type that JSON has no values for."""
        return {"y": tf.cast(x, tf.float32)}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def inverse(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """1 / x, hence also infinities and, with 0 / 0, no number."""
        return {"y": x / (x * x)}

    @tf.function(autograph=False, input_signature=[])
    def nothing(self) -> dict[str, tf.Tensor]:
        """No input at all."""
        return {"y": tf.constant([1.0])}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.int32, "rounds")])
    def slow(self, rounds: tf.Tensor) -> dict[str, tf.Tensor]:
        """Keeps a core busy: one matrix product a round."""
        start = tf.ones([400, 400]) / 400.0
        _, end = tf.while_loop(
            lambda step, _: step < rounds[0],
            lambda step, product: (step + 1, tf.matmul(product, start)),
            (0, start),
        )
        return {"mean": tf.reduce_mean(end, keepdims=True)[0]}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Labels `no` and `yes` with scores 1 - x and x of the feature x."""
        x = tf.io.parse_example(inputs, _PARSING)["x"]
        classes = tf.tile(tf.constant([["no", "yes"]]), [tf.shape(x)[0], 1])
        return {"classes": classes, "scores": tf.stack([1.0 - x, x], axis=1)}

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Ten times the feature x."""
        return {"outputs": tf.io.parse_example(inputs, _PARSING)["x"] * 10.0}


_NAMES = (
    *("serving_default", "named", "strings", "types", "scalar", "uneven", "half", "takes_half"),
    *("inverse", "nothing", "slow", "classify", "regress"),
)


def save(path: Path) -> Path:
    """Saves the model, with the method names that Classify and Regress demand."""
    model = JsonModel()
    tf.saved_model.save(model, str(path), {name: getattr(model, name) for name in _NAMES})
    file = path / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for name, method in _METHODS.items():
        saved.meta_graphs[0].signature_def[name].method_name = method
    file.write_bytes(saved.SerializeToString())
    return path
