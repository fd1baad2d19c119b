"""A graph loaded in short steps answers as one that TensorFlow's own loader brought in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from rankbeam.serving.saved_model import INIT_SIGNATURE, load_graph
from rankbeam.serving.saved_model_file import read_serving_graph
from rankbeam.serving.servable import load_servable
from tests.serving import tiny_models

_Load = Callable[[tf.compat.v1.Session, Path], None]


def _in_steps(session: tf.compat.v1.Session, path: Path) -> None:
    load_graph(session, path, read_serving_graph(path))


def _as_tensorflow_does(session: tf.compat.v1.Session, path: Path) -> None:
    with session.graph.as_default():
        tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))


def _signature_defs(path: Path) -> Mapping[str, meta_graph_pb2.SignatureDef]:
    return {**read_serving_graph(path).meta_graph.signature_def}


def _answers(path: Path, load: _Load) -> dict[str, npt.NDArray[np.float32]]:
    """Every output of every signature on serialized tf.Examples, by its place."""
    rows = np.array(tiny_models.examples(), object)
    found: dict[str, npt.NDArray[np.float32]] = {}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        load(session, path)
        for name, definition in sorted(_signature_defs(path).items()):
            [*inputs] = definition.inputs.values()
            if len(inputs) == 1 and inputs[0].dtype == tf.string.as_datatype_enum:
                fetches = {key: info.name for key, info in definition.outputs.items()}
                answer = session.run(fetches, {inputs[0].name: rows})
                found |= {f"{name}/{key}": values for key, values in answer.items()}
    return found


def _functions(path: Path, load: _Load) -> set[str]:
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        load(session, path)
        return {f.signature.name for f in session.graph.as_graph_def().library.function}


def test_load_graph_answers_as_tensorflows_loader(saved_model: Path) -> None:
    ours, theirs = (_answers(saved_model, load) for load in (_in_steps, _as_tensorflow_does))
    assert ours.keys() == theirs.keys()
    assert {"serving_default/ctcvr", "matrix/click", "classify_click/scores"} <= ours.keys()
    for place, expected in theirs.items():
        np.testing.assert_array_equal(ours[place], expected, err_msg=place)


def test_load_graph_brings_every_function(saved_model: Path) -> None:
    expected = _functions(saved_model, _as_tensorflow_does)
    assert len(expected) > 10
    assert _functions(saved_model, _in_steps) == expected


def test_load_graph_of_a_model_without_variables(tmp_path: Path) -> None:
    class Doubler(tf.Module):
        @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def double(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"y": x * 2.0}

    model = Doubler()
    tf.saved_model.save(model, str(tmp_path), signatures={"serving_default": model.double})
    servable = load_servable("doubler", 1, tmp_path)
    rows = {"x": np.array([1.5, -2.0], np.float32)}
    np.testing.assert_array_equal(servable.signature("").call(rows)["y"], [3.0, -4.0])


def _save_as_tensorflow_1(path: Path) -> None:
    """A variable, a table that a main op fills, and no initialisation among the signatures."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        keys = tf.compat.v1.placeholder(tf.string, [None], "keys")
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["ada"], [2.0], tf.string, tf.float32), 0.0
        )
        factor = tf.compat.v1.get_variable("factor", initializer=5.0, use_resource=True)
        signature = tf.compat.v1.saved_model.predict_signature_def(
            {"keys": keys}, {"values": table.lookup(keys) * factor}
        )
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            main_op=tf.compat.v1.tables_initializer(),
        )
        builder.save()


def test_load_graph_of_tensorflow_1(tmp_path: Path) -> None:
    path = tmp_path / "model"
    _save_as_tensorflow_1(path)
    assert INIT_SIGNATURE not in _signature_defs(path)
    servable = load_servable("old", 1, path)
    answer = servable.signature("").call({"keys": np.array([b"ada", b"bob"], object)})
    np.testing.assert_array_equal(answer["values"], [10.0, 0.0])
